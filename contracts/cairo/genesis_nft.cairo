//! Genesis NFTs: a token for an achievement of a user. A user gets one of each type, ever, also after giving it away.
//!
//! The minter names the type, the rarity and the metadata of a token. Nothing changes them later. Each mint has a request,
//! which makes one token at most: a minter that does not know whether its transaction arrived may send it again.

use starknet::ContractAddress;

/// The role that mints.
pub const MINTER: felt252 = 'MINTER';

#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Achievement {
    /// The type, as a short string such as 'first_trade'.
    pub kind: felt252,
    /// The rarity, as a short string such as 'legendary'.
    pub rarity: felt252,
    /// The user for whom the token was made.
    pub earned_by: ContractAddress,
}

#[starknet::interface]
pub trait IGenesisNFT<TState> {
    fn name(self: @TState) -> ByteArray;
    fn symbol(self: @TState) -> ByteArray;
    /// Return the address of a token's metadata.
    fn token_uri(self: @TState, token_id: u256) -> ByteArray;
    /// Return the number of tokens, which are numbered 1, 2, 3, ….
    fn total_supply(self: @TState) -> u256;
    /// Return what a token was made for.
    fn achievement(self: @TState, token_id: u256) -> Achievement;
    /// Return the token of a type that was made for a user; 0 when there is none.
    fn token_for(self: @TState, user: ContractAddress, kind: felt252) -> u256;
    /// Return the token that a request made; 0 when it made none.
    fn token_of_request(self: @TState, request: felt252) -> u256;
    /// Make a token for a user and return its number. Only a minter may call, not while paused.
    fn mint(
        ref self: TState,
        request: felt252,
        user: ContractAddress,
        kind: felt252,
        rarity: felt252,
        uri: ByteArray
    ) -> u256;
}

#[starknet::contract]
pub mod GenesisNFT {
    use crate::shared::erc721::ERC721Component;
    use crate::shared::ownable::OwnableComponent;
    use crate::shared::pausable::{PAUSER, PausableComponent};
    use crate::shared::roles::RolesComponent;
    use crate::shared::sequence::SequenceComponent;
    use crate::shared::timelock::TimelockComponent;
    use starknet::ContractAddress;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use super::{Achievement, MINTER};

    component!(path: SequenceComponent, storage: sequence, event: SequenceEvent);
    component!(path: OwnableComponent, storage: ownable, event: OwnableEvent);
    component!(path: RolesComponent, storage: roles, event: RolesEvent);
    component!(path: PausableComponent, storage: pausable, event: PausableEvent);
    component!(path: TimelockComponent, storage: timelock, event: TimelockEvent);
    component!(path: ERC721Component, storage: erc721, event: ERC721Event);

    #[abi(embed_v0)]
    impl SequenceImpl = SequenceComponent::SequenceImpl<ContractState>;
    #[abi(embed_v0)]
    impl OwnableImpl = OwnableComponent::OwnableImpl<ContractState>;
    #[abi(embed_v0)]
    impl RolesImpl = RolesComponent::RolesImpl<ContractState>;
    #[abi(embed_v0)]
    impl PausableImpl = PausableComponent::PausableImpl<ContractState>;
    #[abi(embed_v0)]
    impl TimelockImpl = TimelockComponent::TimelockImpl<ContractState>;
    #[abi(embed_v0)]
    impl ERC721Impl = ERC721Component::ERC721Impl<ContractState>;
    #[abi(embed_v0)]
    impl SRC5Impl = ERC721Component::SRC5Impl<ContractState>;
    impl SequenceInternal = SequenceComponent::InternalImpl<ContractState>;
    impl OwnableInternal = OwnableComponent::InternalImpl<ContractState>;
    impl RolesInternal = RolesComponent::InternalImpl<ContractState>;
    impl PausableInternal = PausableComponent::InternalImpl<ContractState>;
    impl ERC721Internal = ERC721Component::InternalImpl<ContractState>;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        sequence: SequenceComponent::Storage,
        #[substorage(v0)]
        ownable: OwnableComponent::Storage,
        #[substorage(v0)]
        roles: RolesComponent::Storage,
        #[substorage(v0)]
        pausable: PausableComponent::Storage,
        #[substorage(v0)]
        timelock: TimelockComponent::Storage,
        #[substorage(v0)]
        erc721: ERC721Component::Storage,
        total_supply: u256,
        achievements: Map<u256, Achievement>,
        uris: Map<u256, ByteArray>,
        tokens: Map<(ContractAddress, felt252), u256>,
        requests: Map<felt252, u256>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        #[flat]
        SequenceEvent: SequenceComponent::Event,
        #[flat]
        OwnableEvent: OwnableComponent::Event,
        #[flat]
        RolesEvent: RolesComponent::Event,
        #[flat]
        PausableEvent: PausableComponent::Event,
        #[flat]
        TimelockEvent: TimelockComponent::Event,
        #[flat]
        ERC721Event: ERC721Component::Event,
        AchievementMinted: AchievementMinted,
    }

    #[derive(Drop, starknet::Event)]
    pub struct AchievementMinted {
        pub sequence: u64,
        #[key]
        pub user: ContractAddress,
        #[key]
        pub kind: felt252,
        #[key]
        pub request: felt252,
        pub token_id: u256,
        pub rarity: felt252,
        pub uri: ByteArray,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        pauser: ContractAddress,
        minter: ContractAddress
    ) {
        self.ownable.initializer(owner);
        self.roles.initializer(PAUSER, pauser);
        self.roles.initializer(MINTER, minter);
    }

    #[abi(embed_v0)]
    impl GenesisNFTImpl of super::IGenesisNFT<ContractState> {
        fn name(self: @ContractState) -> ByteArray {
            "AstraTrade Genesis"
        }

        fn symbol(self: @ContractState) -> ByteArray {
            "GENESIS"
        }

        fn token_uri(self: @ContractState, token_id: u256) -> ByteArray {
            self.erc721.existing_owner(token_id);
            self.uris.read(token_id)
        }

        fn total_supply(self: @ContractState) -> u256 {
            self.total_supply.read()
        }

        fn achievement(self: @ContractState, token_id: u256) -> Achievement {
            self.erc721.existing_owner(token_id);
            self.achievements.read(token_id)
        }

        fn token_for(self: @ContractState, user: ContractAddress, kind: felt252) -> u256 {
            self.tokens.read((user, kind))
        }

        fn token_of_request(self: @ContractState, request: felt252) -> u256 {
            self.requests.read(request)
        }

        fn mint(
            ref self: ContractState,
            request: felt252,
            user: ContractAddress,
            kind: felt252,
            rarity: felt252,
            uri: ByteArray
        ) -> u256 {
            self.pausable.assert_not_paused();
            self.roles.assert_role(MINTER);
            assert(request != 0, 'GenesisNFT: request is zero');
            assert(kind != 0, 'GenesisNFT: type is zero');
            assert(self.requests.read(request) == 0, 'GenesisNFT: request was minted');
            assert(self.tokens.read((user, kind)) == 0, 'GenesisNFT: already minted');
            let token_id = self.total_supply.read() + 1;
            self.total_supply.write(token_id);
            self.tokens.write((user, kind), token_id);
            self.requests.write(request, token_id);
            self.achievements.write(token_id, Achievement { kind, rarity, earned_by: user });
            self.uris.write(token_id, uri.clone());
            self.erc721.mint(user, token_id);
            let sequence = self.sequence.next();
            self.emit(AchievementMinted { sequence, user, kind, request, token_id, rarity, uri });
            token_id
        }
    }
}
