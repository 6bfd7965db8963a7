//! A token whose functions return nothing and revert when they fail.

use starknet::ContractAddress;

#[starknet::interface]
pub trait ISilentToken<TState> {
    fn balance_of(self: @TState, account: ContractAddress) -> u256;
    fn mint(ref self: TState, recipient: ContractAddress, amount: u256);
    fn transfer(ref self: TState, recipient: ContractAddress, amount: u256);
    fn transfer_from(
        ref self: TState, sender: ContractAddress, recipient: ContractAddress, amount: u256
    );
    fn approve(ref self: TState, spender: ContractAddress, amount: u256);
}

#[starknet::contract]
pub mod SilentToken {
    use crate::shared::erc20::ERC20Component;
    use crate::shared::sequence::SequenceComponent;
    use starknet::ContractAddress;

    component!(path: SequenceComponent, storage: sequence, event: SequenceEvent);
    component!(path: ERC20Component, storage: erc20, event: ERC20Event);

    #[abi(embed_v0)]
    impl SequenceImpl = SequenceComponent::SequenceImpl<ContractState>;
    impl Standard = ERC20Component::ERC20Impl<ContractState>;
    impl ERC20Internal = ERC20Component::InternalImpl<ContractState>;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        sequence: SequenceComponent::Storage,
        #[substorage(v0)]
        erc20: ERC20Component::Storage,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        #[flat]
        SequenceEvent: SequenceComponent::Event,
        #[flat]
        ERC20Event: ERC20Component::Event,
    }

    #[abi(embed_v0)]
    impl SilentTokenImpl of super::ISilentToken<ContractState> {
        fn balance_of(self: @ContractState, account: ContractAddress) -> u256 {
            self.erc20.balance_of(account)
        }

        fn mint(ref self: ContractState, recipient: ContractAddress, amount: u256) {
            self.erc20.mint(recipient, amount);
        }

        fn transfer(ref self: ContractState, recipient: ContractAddress, amount: u256) {
            self.erc20.transfer(recipient, amount);
        }

        fn transfer_from(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256
        ) {
            self.erc20.transfer_from(sender, recipient, amount);
        }

        fn approve(ref self: ContractState, spender: ContractAddress, amount: u256) {
            self.erc20.approve(spender, amount);
        }
    }
}
