//! The contracts of AstraTrade. One file holds one contract; `shared` holds what several of them use.

pub mod astra_token;
pub mod fee_collector;
pub mod fee_splitter;
pub mod genesis_nft;
pub mod lending_events;
pub mod lending_market;
pub mod lending_pool;
pub mod lending_risk;
pub mod paymaster;
pub mod price_oracle;
pub mod reputation;
pub mod shared;
pub mod staking_manager;
pub mod testing;
