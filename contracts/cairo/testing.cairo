//! Contracts for tests only: tokens whose behaviour the tests choose, and a way to call shared functions.

pub mod math_probe;
pub mod silent_token;
pub mod test_token;
