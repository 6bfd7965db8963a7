//! Parts that several contracts use: components with storage and events, and plain functions.

pub mod erc20;
pub mod erc721;
pub mod guard;
pub mod math;
pub mod ownable;
pub mod pausable;
pub mod roles;
pub mod safe_erc20;
pub mod sequence;
pub mod timelock;
