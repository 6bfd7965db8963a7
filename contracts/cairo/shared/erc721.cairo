//! Tokens that each have an owner. The events put `sequence` last, as those of the fungible token do.

use starknet::ContractAddress;

/// The interface identifiers of SRC-5, ERC-721, its metadata, its receivers, and of accounts.
pub const ISRC5_ID: felt252 = 0x3f918d17e5ee77373b56385708f855659a07f75997f365cf87748628532a055;
pub const IERC721_ID: felt252 = 0x33eb2f84c309543403fd69f0d0f363781ef06ef6faeb0131ff16ea3175bd943;
pub const IERC721_METADATA_ID: felt252 =
    0xabbcd595a567dce909050a1038e055daccb3c42af06f0add544fa90ee91f25;
pub const IERC721_RECEIVER_ID: felt252 =
    0x3a0dff5f70d80458ad14ae37bb182a728e3c8cdda0402a5daa86620bdf910bc;
pub const ISRC6_ID: felt252 = 0x2ceccef7f994940b3962a6c67e0ba4fcd37df7d131417c604f91e03caecc1cd;

#[starknet::interface]
pub trait ISRC5<TState> {
    fn supports_interface(self: @TState, interface_id: felt252) -> bool;
}

#[starknet::interface]
pub trait IERC721Receiver<TState> {
    /// Return `IERC721_RECEIVER_ID` to accept a token.
    fn on_erc721_received(
        self: @TState,
        operator: ContractAddress,
        from: ContractAddress,
        token_id: u256,
        data: Span<felt252>
    ) -> felt252;
}

#[starknet::interface]
pub trait IERC721<TState> {
    fn balance_of(self: @TState, account: ContractAddress) -> u256;
    /// Return the owner of a token. Panic when there is no such token, as every function with a token does.
    fn owner_of(self: @TState, token_id: u256) -> ContractAddress;
    /// Return who may move a token besides its owner; zero when nobody may.
    fn get_approved(self: @TState, token_id: u256) -> ContractAddress;
    /// Return whether an operator may move all tokens of an owner.
    fn is_approved_for_all(
        self: @TState, owner: ContractAddress, operator: ContractAddress
    ) -> bool;
    /// Let an account move a token, until it moves. Address zero withdraws that.
    fn approve(ref self: TState, to: ContractAddress, token_id: u256);
    fn set_approval_for_all(ref self: TState, operator: ContractAddress, approved: bool);
    fn transfer_from(
        ref self: TState, from: ContractAddress, to: ContractAddress, token_id: u256
    );
    /// Move a token to an account, or to a contract that says that it can hold tokens.
    fn safe_transfer_from(
        ref self: TState,
        from: ContractAddress,
        to: ContractAddress,
        token_id: u256,
        data: Span<felt252>
    );
}

#[starknet::component]
pub mod ERC721Component {
    use core::num::traits::Zero;
    use crate::shared::sequence::SequenceComponent;
    use crate::shared::sequence::SequenceComponent::InternalTrait as SequenceTrait;
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};
    use starknet::{ContractAddress, get_caller_address};
    use super::{
        IERC721ReceiverDispatcher, IERC721ReceiverDispatcherTrait, IERC721_ID, IERC721_METADATA_ID,
        IERC721_RECEIVER_ID, ISRC5Dispatcher, ISRC5DispatcherTrait, ISRC5_ID, ISRC6_ID
    };

    #[storage]
    pub struct Storage {
        pub ERC721_owners: Map<u256, ContractAddress>,
        pub ERC721_balances: Map<ContractAddress, u256>,
        pub ERC721_approved: Map<u256, ContractAddress>,
        pub ERC721_operators: Map<(ContractAddress, ContractAddress), bool>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        Transfer: Transfer,
        Approval: Approval,
        ApprovalForAll: ApprovalForAll,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Transfer {
        #[key]
        pub from: ContractAddress,
        #[key]
        pub to: ContractAddress,
        #[key]
        pub token_id: u256,
        pub sequence: u64,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Approval {
        #[key]
        pub owner: ContractAddress,
        #[key]
        pub approved: ContractAddress,
        #[key]
        pub token_id: u256,
        pub sequence: u64,
    }

    #[derive(Drop, starknet::Event)]
    pub struct ApprovalForAll {
        #[key]
        pub owner: ContractAddress,
        #[key]
        pub operator: ContractAddress,
        pub approved: bool,
        pub sequence: u64,
    }

    #[embeddable_as(SRC5Impl)]
    pub impl SRC5<
        TContractState, +HasComponent<TContractState>
    > of super::ISRC5<ComponentState<TContractState>> {
        fn supports_interface(
            self: @ComponentState<TContractState>, interface_id: felt252
        ) -> bool {
            interface_id == ISRC5_ID
                || interface_id == IERC721_ID
                || interface_id == IERC721_METADATA_ID
        }
    }

    #[embeddable_as(ERC721Impl)]
    pub impl ERC721<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of super::IERC721<ComponentState<TContractState>> {
        fn balance_of(self: @ComponentState<TContractState>, account: ContractAddress) -> u256 {
            assert(account.is_non_zero(), 'ERC721: account is zero');
            self.ERC721_balances.read(account)
        }

        fn owner_of(self: @ComponentState<TContractState>, token_id: u256) -> ContractAddress {
            self.existing_owner(token_id)
        }

        fn get_approved(self: @ComponentState<TContractState>, token_id: u256) -> ContractAddress {
            self.existing_owner(token_id);
            self.ERC721_approved.read(token_id)
        }

        fn is_approved_for_all(
            self: @ComponentState<TContractState>, owner: ContractAddress, operator: ContractAddress
        ) -> bool {
            self.ERC721_operators.read((owner, operator))
        }

        fn approve(
            ref self: ComponentState<TContractState>, to: ContractAddress, token_id: u256
        ) {
            let owner = self.existing_owner(token_id);
            let caller = get_caller_address();
            assert(
                caller == owner || self.ERC721_operators.read((owner, caller)),
                'ERC721: unauthorized caller'
            );
            self.ERC721_approved.write(token_id, to);
            let sequence = self.next();
            self.emit(Approval { owner, approved: to, token_id, sequence });
        }

        fn set_approval_for_all(
            ref self: ComponentState<TContractState>, operator: ContractAddress, approved: bool
        ) {
            assert(operator.is_non_zero(), 'ERC721: operator is zero');
            let owner = get_caller_address();
            self.ERC721_operators.write((owner, operator), approved);
            let sequence = self.next();
            self.emit(ApprovalForAll { owner, operator, approved, sequence });
        }

        fn transfer_from(
            ref self: ComponentState<TContractState>,
            from: ContractAddress,
            to: ContractAddress,
            token_id: u256
        ) {
            self.move(from, to, token_id);
        }

        fn safe_transfer_from(
            ref self: ComponentState<TContractState>,
            from: ContractAddress,
            to: ContractAddress,
            token_id: u256,
            data: Span<felt252>
        ) {
            self.move(from, to, token_id);
            assert(is_accepted(from, to, token_id, data), 'ERC721: receiver refused');
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState,
        +HasComponent<TContractState>,
        impl Sequence: SequenceComponent::HasComponent<TContractState>,
        +Drop<TContractState>
    > of InternalTrait<TContractState> {
        /// Make a token that does not exist yet.
        fn mint(ref self: ComponentState<TContractState>, to: ContractAddress, token_id: u256) {
            assert(to.is_non_zero(), 'ERC721: recipient is zero');
            assert(self.ERC721_owners.read(token_id).is_zero(), 'ERC721: already minted');
            self.give(Zero::zero(), to, token_id);
        }

        fn existing_owner(
            self: @ComponentState<TContractState>, token_id: u256
        ) -> ContractAddress {
            let owner = self.ERC721_owners.read(token_id);
            assert(owner.is_non_zero(), 'ERC721: no such token');
            owner
        }

        /// Move a token for its owner, an operator of the owner, or the approved account.
        fn move(
            ref self: ComponentState<TContractState>,
            from: ContractAddress,
            to: ContractAddress,
            token_id: u256
        ) {
            assert(to.is_non_zero(), 'ERC721: recipient is zero');
            let owner = self.existing_owner(token_id);
            let caller = get_caller_address();
            assert(
                caller == owner
                    || caller == self.ERC721_approved.read(token_id)
                    || self.ERC721_operators.read((owner, caller)),
                'ERC721: unauthorized caller'
            );
            assert(from == owner, 'ERC721: not the owner');
            self.ERC721_approved.write(token_id, Zero::zero());
            self.ERC721_balances.write(from, self.ERC721_balances.read(from) - 1);
            self.give(from, to, token_id);
        }

        fn give(
            ref self: ComponentState<TContractState>,
            from: ContractAddress,
            to: ContractAddress,
            token_id: u256
        ) {
            self.ERC721_balances.write(to, self.ERC721_balances.read(to) + 1);
            self.ERC721_owners.write(token_id, to);
            let sequence = self.next();
            self.emit(Transfer { from, to, token_id, sequence });
        }

        fn next(ref self: ComponentState<TContractState>) -> u64 {
            let mut numbers = get_dep_component_mut!(ref self, Sequence);
            numbers.next()
        }
    }

    /// Ask a receiver whether it can hold a token. Accounts can.
    fn is_accepted(
        from: ContractAddress, to: ContractAddress, token_id: u256, data: Span<felt252>
    ) -> bool {
        let asked = ISRC5Dispatcher { contract_address: to };
        if !asked.supports_interface(IERC721_RECEIVER_ID) {
            return asked.supports_interface(ISRC6_ID);
        }
        let operator = get_caller_address();
        let receiver = IERC721ReceiverDispatcher { contract_address: to };
        receiver.on_erc721_received(operator, from, token_id, data) == IERC721_RECEIVER_ID
    }
}
