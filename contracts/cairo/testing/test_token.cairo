//! A token that anyone can mint and that misbehaves as a test says.

use starknet::ContractAddress;

#[starknet::interface]
pub trait ITestToken<TState> {
    fn mint(ref self: TState, recipient: ContractAddress, amount: u256);
    /// Keep this many parts of a million of each transfer.
    fn set_fee(ref self: TState, ppm: u32);
    /// Refuse every transfer.
    fn set_paused(ref self: TState, paused: bool);
    /// Revert transfers to an account (1), return false for them (2), or serve it again (0).
    fn set_refusal(ref self: TState, account: ContractAddress, refusal: u8);
    /// Make a call during each transfer, before the balances change. Ignore how it ends, or revert with it.
    fn set_reentry(
        ref self: TState,
        target: ContractAddress,
        selector: felt252,
        calldata: Span<felt252>,
        ignoring: bool
    );
    /// Return how many calls of `set_reentry` succeeded.
    fn reentries(self: @TState) -> u32;
    /// Move a balance without an event, as a rebasing token does.
    fn take(ref self: TState, account: ContractAddress, amount: u256);
}

#[starknet::contract]
pub mod TestToken {
    use core::num::traits::Zero;
    use crate::shared::erc20::{ERC20Component, IERC20};
    use crate::shared::math::{Rounding, mul_div};
    use crate::shared::sequence::SequenceComponent;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::syscalls::call_contract_syscall;
    use starknet::{ContractAddress, SyscallResultTrait, get_caller_address};

    component!(path: SequenceComponent, storage: sequence, event: SequenceEvent);
    component!(path: ERC20Component, storage: erc20, event: ERC20Event);

    #[abi(embed_v0)]
    impl SequenceImpl = SequenceComponent::SequenceImpl<ContractState>;
    #[abi(embed_v0)]
    impl ERC20MetadataImpl = ERC20Component::ERC20MetadataImpl<ContractState>;
    impl Standard = ERC20Component::ERC20Impl<ContractState>;
    impl ERC20Internal = ERC20Component::InternalImpl<ContractState>;

    const MILLION: u256 = 1000000;
    const REVERTED: u8 = 1;
    const REFUSED: u8 = 2;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        sequence: SequenceComponent::Storage,
        #[substorage(v0)]
        erc20: ERC20Component::Storage,
        fee_ppm: u32,
        paused: bool,
        refusals: Map<ContractAddress, u8>,
        target: ContractAddress,
        selector: felt252,
        calldata: Map<u32, felt252>,
        calldata_len: u32,
        ignoring: bool,
        reentries: u32,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        #[flat]
        SequenceEvent: SequenceComponent::Event,
        #[flat]
        ERC20Event: ERC20Component::Event,
    }

    #[constructor]
    fn constructor(ref self: ContractState, name: ByteArray, symbol: ByteArray, decimals: u8) {
        self.erc20.initializer(name, symbol, decimals);
    }

    #[abi(embed_v0)]
    impl TokenImpl of IERC20<ContractState> {
        fn total_supply(self: @ContractState) -> u256 {
            self.erc20.total_supply()
        }

        fn balance_of(self: @ContractState, account: ContractAddress) -> u256 {
            self.erc20.balance_of(account)
        }

        fn allowance(
            self: @ContractState, owner: ContractAddress, spender: ContractAddress
        ) -> u256 {
            self.erc20.allowance(owner, spender)
        }

        fn transfer(ref self: ContractState, recipient: ContractAddress, amount: u256) -> bool {
            self.misbehave(get_caller_address(), recipient, amount)
        }

        fn transfer_from(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256
        ) -> bool {
            self.erc20.spend_allowance(sender, get_caller_address(), amount);
            self.misbehave(sender, recipient, amount)
        }

        fn approve(ref self: ContractState, spender: ContractAddress, amount: u256) -> bool {
            self.erc20.approve(spender, amount)
        }
    }

    #[abi(embed_v0)]
    impl TestTokenImpl of super::ITestToken<ContractState> {
        fn mint(ref self: ContractState, recipient: ContractAddress, amount: u256) {
            self.erc20.mint(recipient, amount);
        }

        fn set_fee(ref self: ContractState, ppm: u32) {
            self.fee_ppm.write(ppm);
        }

        fn set_paused(ref self: ContractState, paused: bool) {
            self.paused.write(paused);
        }

        fn set_refusal(ref self: ContractState, account: ContractAddress, refusal: u8) {
            self.refusals.write(account, refusal);
        }

        fn set_reentry(
            ref self: ContractState,
            target: ContractAddress,
            selector: felt252,
            calldata: Span<felt252>,
            ignoring: bool
        ) {
            self.target.write(target);
            self.selector.write(selector);
            self.ignoring.write(ignoring);
            self.calldata_len.write(calldata.len());
            let mut i = 0;
            while i != calldata.len() {
                self.calldata.write(i, *calldata[i]);
                i += 1;
            }
        }

        fn reentries(self: @ContractState) -> u32 {
            self.reentries.read()
        }

        fn take(ref self: ContractState, account: ContractAddress, amount: u256) {
            let balance = self.erc20.ERC20_balances.read(account);
            self.erc20.ERC20_balances.write(account, balance - amount);
        }
    }

    #[generate_trait]
    impl Private of PrivateTrait {
        fn misbehave(
            ref self: ContractState, from: ContractAddress, to: ContractAddress, amount: u256
        ) -> bool {
            assert(!self.paused.read(), 'TestToken: paused');
            let refusal = self.refusals.read(to);
            assert(refusal != REVERTED, 'TestToken: refused');
            if refusal == REFUSED {
                return false;
            }
            self.reenter();
            let fee = mul_div(amount, self.fee_ppm.read().into(), MILLION, Rounding::Down);
            self.erc20.move(from, to, amount - fee);
            if fee > 0 {
                self.take_fee(from, fee);
            }
            true
        }

        fn take_fee(ref self: ContractState, from: ContractAddress, fee: u256) {
            let balance = self.erc20.ERC20_balances.read(from);
            self.erc20.ERC20_balances.write(from, balance - fee);
        }

        fn reenter(ref self: ContractState) {
            let target = self.target.read();
            if target.is_zero() {
                return;
            }
            let mut calldata = array![];
            let mut i = 0;
            while i != self.calldata_len.read() {
                calldata.append(self.calldata.read(i));
                i += 1;
            };
            let result = call_contract_syscall(target, self.selector.read(), calldata.span());
            if result.is_ok() {
                self.reentries.write(self.reentries.read() + 1);
            }
            if !self.ignoring.read() {
                result.unwrap_syscall();
            }
        }
    }
}
