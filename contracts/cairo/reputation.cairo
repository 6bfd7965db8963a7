//! A token that shows the experience of a user and cannot be moved. A user has at most one.
//!
//! Only the paymaster that deployed it writes. Experience never falls, so a total that is sent again changes nothing
//! and one that comes late is refused. There is no owner: nobody can move, take or burn a token, or change the code.

use starknet::ContractAddress;

/// The experience from which each tier begins: Basic, Silver, Gold, Platinum, Diamond. Tiers count from 1.
pub const TIERS: [u64; 5] = [0, 5000, 15000, 50000, 150000];

#[starknet::interface]
pub trait IReputation<TState> {
    fn name(self: @TState) -> ByteArray;
    fn symbol(self: @TState) -> ByteArray;
    /// Return the only writer.
    fn paymaster(self: @TState) -> ContractAddress;
    /// Return the number of tokens, which are numbered 1, 2, 3, ….
    fn total_supply(self: @TState) -> u256;
    /// Return 1 for a user with a token, 0 for another one.
    fn balance_of(self: @TState, account: ContractAddress) -> u256;
    /// Return the user of a token. Panic when there is none.
    fn owner_of(self: @TState, token_id: u256) -> ContractAddress;
    /// Return the token of a user; 0 when it has none.
    fn token_of(self: @TState, account: ContractAddress) -> u256;
    /// Return the experience of a user; 0 when it has no token.
    fn experience(self: @TState, account: ContractAddress) -> u64;
    /// Return the tier of a user, from 1 (Basic) to 5 (Diamond); 0 when it has no token.
    fn tier(self: @TState, account: ContractAddress) -> u8;
    /// Raise a user's experience to a total and return its tier. The first call makes the token, also with 0. Only the
    /// paymaster may call.
    fn raise(ref self: TState, account: ContractAddress, experience: u64) -> u8;
}

#[starknet::contract]
pub mod Reputation {
    use core::num::traits::Zero;
    use crate::shared::sequence::SequenceComponent;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::{ContractAddress, get_caller_address};
    use super::TIERS;

    component!(path: SequenceComponent, storage: sequence, event: SequenceEvent);

    #[abi(embed_v0)]
    impl SequenceImpl = SequenceComponent::SequenceImpl<ContractState>;
    impl SequenceInternal = SequenceComponent::InternalImpl<ContractState>;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        sequence: SequenceComponent::Storage,
        paymaster: ContractAddress,
        total_supply: u256,
        owners: Map<u256, ContractAddress>,
        tokens: Map<ContractAddress, u256>,
        experience: Map<ContractAddress, u64>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        #[flat]
        SequenceEvent: SequenceComponent::Event,
        Transfer: Transfer,
        ReputationRaised: ReputationRaised,
    }

    /// A token was made; `from` is always zero.
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
    pub struct ReputationRaised {
        pub sequence: u64,
        #[key]
        pub account: ContractAddress,
        pub experience: u64,
        pub tier: u8,
    }

    #[constructor]
    fn constructor(ref self: ContractState, paymaster: ContractAddress) {
        assert(paymaster.is_non_zero(), 'Reputation: paymaster is zero');
        self.paymaster.write(paymaster);
    }

    #[abi(embed_v0)]
    impl ReputationImpl of super::IReputation<ContractState> {
        fn name(self: @ContractState) -> ByteArray {
            "AstraTrade Reputation"
        }

        fn symbol(self: @ContractState) -> ByteArray {
            "REP"
        }

        fn paymaster(self: @ContractState) -> ContractAddress {
            self.paymaster.read()
        }

        fn total_supply(self: @ContractState) -> u256 {
            self.total_supply.read()
        }

        fn balance_of(self: @ContractState, account: ContractAddress) -> u256 {
            if self.tokens.read(account) == 0 {
                0
            } else {
                1
            }
        }

        fn owner_of(self: @ContractState, token_id: u256) -> ContractAddress {
            let owner = self.owners.read(token_id);
            assert(owner.is_non_zero(), 'Reputation: no such token');
            owner
        }

        fn token_of(self: @ContractState, account: ContractAddress) -> u256 {
            self.tokens.read(account)
        }

        fn experience(self: @ContractState, account: ContractAddress) -> u64 {
            self.experience.read(account)
        }

        fn tier(self: @ContractState, account: ContractAddress) -> u8 {
            if self.tokens.read(account) == 0 {
                0
            } else {
                tier_of(self.experience.read(account))
            }
        }

        fn raise(ref self: ContractState, account: ContractAddress, experience: u64) -> u8 {
            assert(get_caller_address() == self.paymaster.read(), 'Reputation: not the paymaster');
            assert(account.is_non_zero(), 'Reputation: account is zero');
            if self.tokens.read(account) == 0 {
                self.mint(account);
            } else {
                assert(experience > self.experience.read(account), 'Reputation: not higher');
            }
            self.experience.write(account, experience);
            let tier = tier_of(experience);
            let sequence = self.sequence.next();
            self.emit(ReputationRaised { sequence, account, experience, tier });
            tier
        }
    }

    #[generate_trait]
    impl Private of PrivateTrait {
        fn mint(ref self: ContractState, account: ContractAddress) {
            let token_id = self.total_supply.read() + 1;
            self.total_supply.write(token_id);
            self.owners.write(token_id, account);
            self.tokens.write(account, token_id);
            let sequence = self.sequence.next();
            self.emit(Transfer { from: Zero::zero(), to: account, token_id, sequence });
        }
    }

    fn tier_of(experience: u64) -> u8 {
        let mut tier = 0;
        for from in TIERS.span() {
            if experience >= *from {
                tier += 1;
            }
        };
        tier
    }
}
