//! Calls of tokens that may be wrong: they return false, or nothing, or take a part of what they move.

use starknet::syscalls::call_contract_syscall;
use starknet::{ContractAddress, SyscallResult, SyscallResultTrait, get_contract_address};

/// Return the balance of an account.
pub fn balance_of(token: ContractAddress, account: ContractAddress) -> u256 {
    let mut returned = call_contract_syscall(
        token, selector!("balance_of"), array![account.into()].span()
    )
        .unwrap_syscall();
    Serde::deserialize(ref returned).expect('ERC20: no balance')
}

/// Send tokens of this contract. Panic when the token refuses.
pub fn transfer(token: ContractAddress, recipient: ContractAddress, amount: u256) {
    let returned = call_transfer(token, recipient, amount).unwrap_syscall();
    assert(is_success(returned), 'ERC20: transfer failed');
}

/// Send tokens of this contract and return whether the token did.
pub fn try_transfer(token: ContractAddress, recipient: ContractAddress, amount: u256) -> bool {
    match call_transfer(token, recipient, amount) {
        Result::Ok(returned) => is_success(returned),
        Result::Err(_) => false,
    }
}

/// Take an allowed amount into this contract. Panic when the token refuses, or when less or more arrives.
pub fn receive(token: ContractAddress, sender: ContractAddress, amount: u256) {
    let recipient = get_contract_address();
    let before = balance_of(token, recipient);
    let mut calldata = array![];
    (sender, recipient, amount).serialize(ref calldata);
    let returned = call_contract_syscall(token, selector!("transfer_from"), calldata.span())
        .unwrap_syscall();
    assert(is_success(returned), 'ERC20: transfer failed');
    assert(balance_of(token, recipient) == before + amount, 'ERC20: another amount arrived');
}

fn call_transfer(
    token: ContractAddress, recipient: ContractAddress, amount: u256
) -> SyscallResult<Span<felt252>> {
    let mut calldata = array![];
    (recipient, amount).serialize(ref calldata);
    call_contract_syscall(token, selector!("transfer"), calldata.span())
}

/// Some tokens return nothing and revert when they fail; the others return whether they succeeded.
fn is_success(returned: Span<felt252>) -> bool {
    returned.is_empty() || (returned.len() == 1 && *returned[0] == 1)
}
