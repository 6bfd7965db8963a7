//! The contracts of AstraTrade. One file holds one contract; `shared` holds what several of them use.

pub mod astra_token;
pub mod fee_collector;
pub mod fee_splitter;
pub mod genesis_nft;
pub mod paymaster;
pub mod reputation;
pub mod shared;
pub mod staking_manager;
pub mod testing;
