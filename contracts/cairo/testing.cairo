//! Contracts for tests only: tokens and a receiver whose behaviour the tests choose, and a way to call shared functions.

pub mod math_probe;
pub mod silent_token;
pub mod test_token;
pub mod token_receiver;
