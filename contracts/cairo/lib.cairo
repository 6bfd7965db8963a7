//! The contracts of AstraTrade. One file holds one contract; `shared` holds what several of them use.

pub mod astra_token;
pub mod fee_collector;
pub mod fee_splitter;
pub mod shared;
pub mod testing;
