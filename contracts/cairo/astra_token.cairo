//! The ASTRA token: an ERC-20 token with 18 decimals, which holders stake. The constructor mints the whole supply.
//! The contract has no function that mints more, pauses transfers, takes tokens from a holder or replaces the code.

#[starknet::contract]
pub mod AstraToken {
    use crate::shared::erc20::ERC20Component;
    use crate::shared::sequence::SequenceComponent;
    use starknet::ContractAddress;

    component!(path: SequenceComponent, storage: sequence, event: SequenceEvent);
    component!(path: ERC20Component, storage: erc20, event: ERC20Event);

    #[abi(embed_v0)]
    impl SequenceImpl = SequenceComponent::SequenceImpl<ContractState>;
    #[abi(embed_v0)]
    impl ERC20Impl = ERC20Component::ERC20Impl<ContractState>;
    #[abi(embed_v0)]
    impl ERC20MetadataImpl = ERC20Component::ERC20MetadataImpl<ContractState>;
    impl ERC20Internal = ERC20Component::InternalImpl<ContractState>;

    const DECIMALS: u8 = 18;

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

    /// Mint the whole supply, in units of 1e-18, to one recipient.
    #[constructor]
    fn constructor(ref self: ContractState, supply: u256, recipient: ContractAddress) {
        assert(supply > 0, 'AstraToken: supply is zero');
        self.erc20.initializer("AstraTrade", "ASTRA", DECIMALS);
        self.erc20.mint(recipient, supply);
    }
}
