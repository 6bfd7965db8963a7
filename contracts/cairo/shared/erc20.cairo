//! A fungible token. The events put `sequence` last, so that wallets that expect the standard's fields find them.

use starknet::ContractAddress;

#[starknet::interface]
pub trait IERC20<TState> {
    fn total_supply(self: @TState) -> u256;
    fn balance_of(self: @TState, account: ContractAddress) -> u256;
    fn allowance(self: @TState, owner: ContractAddress, spender: ContractAddress) -> u256;
    fn transfer(ref self: TState, recipient: ContractAddress, amount: u256) -> bool;
    fn transfer_from(
        ref self: TState, sender: ContractAddress, recipient: ContractAddress, amount: u256
    ) -> bool;
    fn approve(ref self: TState, spender: ContractAddress, amount: u256) -> bool;
}

#[starknet::interface]
pub trait IERC20Metadata<TState> {
    fn name(self: @TState) -> ByteArray;
    fn symbol(self: @TState) -> ByteArray;
    fn decimals(self: @TState) -> u8;
}

#[starknet::component]
pub mod ERC20Component {
    use core::num::traits::{Bounded, Zero};
    use crate::shared::sequence::SequenceComponent;
    use crate::shared::sequence::SequenceComponent::InternalTrait as SequenceTrait;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_caller_address};

    #[storage]
    pub struct Storage {
        pub ERC20_name: ByteArray,
        pub ERC20_symbol: ByteArray,
        pub ERC20_decimals: u8,
        pub ERC20_total_supply: u256,
        pub ERC20_balances: Map<ContractAddress, u256>,
        pub ERC20_allowances: Map<(ContractAddress, ContractAddress), u256>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        Transfer: Transfer,
        Approval: Approval,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Transfer {
        #[key]
        pub from: ContractAddress,
        #[key]
        pub to: ContractAddress,
        pub value: u256,
        pub sequence: u64,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Approval {
        #[key]
        pub owner: ContractAddress,
        #[key]
        pub spender: ContractAddress,
        pub value: u256,
        pub sequence: u64,
    }

    #[embeddable_as(ERC20Impl)]
    pub impl ERC20<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of super::IERC20<ComponentState<TContractState>> {
        fn total_supply(self: @ComponentState<TContractState>) -> u256 {
            self.ERC20_total_supply.read()
        }

        fn balance_of(self: @ComponentState<TContractState>, account: ContractAddress) -> u256 {
            self.ERC20_balances.read(account)
        }

        fn allowance(
            self: @ComponentState<TContractState>, owner: ContractAddress, spender: ContractAddress
        ) -> u256 {
            self.ERC20_allowances.read((owner, spender))
        }

        fn transfer(
            ref self: ComponentState<TContractState>, recipient: ContractAddress, amount: u256
        ) -> bool {
            self.move(get_caller_address(), recipient, amount);
            true
        }

        fn transfer_from(
            ref self: ComponentState<TContractState>,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256
        ) -> bool {
            self.spend_allowance(sender, get_caller_address(), amount);
            self.move(sender, recipient, amount);
            true
        }

        fn approve(
            ref self: ComponentState<TContractState>, spender: ContractAddress, amount: u256
        ) -> bool {
            assert(spender.is_non_zero(), 'ERC20: spender is zero');
            let owner = get_caller_address();
            self.ERC20_allowances.write((owner, spender), amount);
            let sequence = self.next();
            self.emit(Approval { owner, spender, value: amount, sequence });
            true
        }
    }

    #[embeddable_as(ERC20MetadataImpl)]
    pub impl ERC20Metadata<
        TContractState, +HasComponent<TContractState>
    > of super::IERC20Metadata<ComponentState<TContractState>> {
        fn name(self: @ComponentState<TContractState>) -> ByteArray {
            self.ERC20_name.read()
        }

        fn symbol(self: @ComponentState<TContractState>) -> ByteArray {
            self.ERC20_symbol.read()
        }

        fn decimals(self: @ComponentState<TContractState>) -> u8 {
            self.ERC20_decimals.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of InternalTrait<TContractState> {
        fn initializer(
            ref self: ComponentState<TContractState>,
            name: ByteArray,
            symbol: ByteArray,
            decimals: u8
        ) {
            self.ERC20_name.write(name);
            self.ERC20_symbol.write(symbol);
            self.ERC20_decimals.write(decimals);
        }

        /// Make new tokens. Panic when the supply would have more than 256 bits.
        fn mint(
            ref self: ComponentState<TContractState>, recipient: ContractAddress, amount: u256
        ) {
            assert(recipient.is_non_zero(), 'ERC20: recipient is zero');
            self.ERC20_total_supply.write(self.ERC20_total_supply.read() + amount);
            self.ERC20_balances.write(recipient, self.ERC20_balances.read(recipient) + amount);
            let sequence = self.next();
            self.emit(Transfer { from: Zero::zero(), to: recipient, value: amount, sequence });
        }

        fn move(
            ref self: ComponentState<TContractState>,
            from: ContractAddress,
            to: ContractAddress,
            amount: u256
        ) {
            assert(to.is_non_zero(), 'ERC20: recipient is zero');
            let balance = self.ERC20_balances.read(from);
            assert(balance >= amount, 'ERC20: insufficient balance');
            self.ERC20_balances.write(from, balance - amount);
            self.ERC20_balances.write(to, self.ERC20_balances.read(to) + amount);
            let sequence = self.next();
            self.emit(Transfer { from, to, value: amount, sequence });
        }

        /// Use up an allowance. The largest amount is an allowance without a limit.
        fn spend_allowance(
            ref self: ComponentState<TContractState>,
            owner: ContractAddress,
            spender: ContractAddress,
            amount: u256
        ) {
            let allowed = self.ERC20_allowances.read((owner, spender));
            assert(allowed >= amount, 'ERC20: insufficient allowance');
            if allowed != Bounded::MAX {
                self.ERC20_allowances.write((owner, spender), allowed - amount);
            }
        }

        fn next(ref self: ComponentState<TContractState>) -> u64 {
            let mut numbers = get_dep_component_mut!(ref self, Sequence);
            numbers.next()
        }
    }
}
