//! Contracts for tests only: tokens whose behaviour the tests choose.

pub mod silent_token;
pub mod test_token;
