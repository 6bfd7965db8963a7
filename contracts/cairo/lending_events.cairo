//! The events of a lending pool.

use starknet::ContractAddress;

#[derive(Drop, starknet::Event)]
pub struct InterestAccrued {
    pub sequence: u64,
    pub index: u256,
    pub rate: u256,
    pub reserves: u256,
}

#[derive(Drop, starknet::Event)]
pub struct Supplied {
    pub sequence: u64,
    #[key]
    pub lender: ContractAddress,
    pub amount: u256,
    pub shares: u256,
}

#[derive(Drop, starknet::Event)]
pub struct Withdrawn {
    pub sequence: u64,
    #[key]
    pub lender: ContractAddress,
    pub amount: u256,
    pub shares: u256,
}

#[derive(Drop, starknet::Event)]
pub struct CollateralDeposited {
    pub sequence: u64,
    #[key]
    pub borrower: ContractAddress,
    pub amount: u256,
}

#[derive(Drop, starknet::Event)]
pub struct CollateralWithdrawn {
    pub sequence: u64,
    #[key]
    pub borrower: ContractAddress,
    pub amount: u256,
}

#[derive(Drop, starknet::Event)]
pub struct Borrowed {
    pub sequence: u64,
    #[key]
    pub borrower: ContractAddress,
    pub amount: u256,
    pub debt: u256,
}

#[derive(Drop, starknet::Event)]
pub struct Repaid {
    pub sequence: u64,
    #[key]
    pub borrower: ContractAddress,
    pub payer: ContractAddress,
    pub amount: u256,
    pub debt: u256,
}

#[derive(Drop, starknet::Event)]
pub struct Liquidated {
    pub sequence: u64,
    #[key]
    pub borrower: ContractAddress,
    pub liquidator: ContractAddress,
    pub paid: u256,
    pub seized: u256,
    pub debt: u256,
    pub price: u256,
}

/// Both amounts are fine numbers.
#[derive(Drop, starknet::Event)]
pub struct BadDebtRecorded {
    pub sequence: u64,
    #[key]
    pub borrower: ContractAddress,
    pub amount: u256,
    pub from_reserves: u256,
}

#[derive(Drop, starknet::Event)]
pub struct CapsChanged {
    pub sequence: u64,
    pub supply_cap: u256,
    pub borrow_cap: u256,
}

#[derive(Drop, starknet::Event)]
pub struct OracleChanged {
    pub sequence: u64,
    pub oracle: ContractAddress,
}

#[derive(Drop, starknet::Event)]
pub struct ReservesWithdrawn {
    pub sequence: u64,
    pub recipient: ContractAddress,
    pub amount: u256,
}
