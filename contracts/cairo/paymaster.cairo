//! Pays for the gas of users within a daily allowance, from what the splitter paid it.
//!
//! A sponsor sends the transactions of users and pays their gas. It reports each one here once, and gets back what it
//! paid: at most the gas times a price that the owner announced. The allowance depends on the user's tier, which the
//! reputation token shows. The paymaster deploys that token and is the only one that writes it, at a recorder's call.
//!
//! Gas is counted in Cairo steps: one is 100 of Starknet's l2 gas. A sponsor rounds up.
//!
//! Only what the splitter released is funding. Tokens that arrive in another way are never spent.

use starknet::ContractAddress;

/// Seconds of a day. Days begin at midnight UTC.
pub const DAY_S: u64 = 86400;
/// Gas a day, in Cairo steps, of a user in tier 1 (Basic) to 5 (Diamond).
pub const ALLOWANCES: [u64; 5] = [100000, 200000, 400000, 800000, 1600000];
/// Prices are units of the token for this much gas.
pub const GAS_PRICED: u256 = 1000000;
/// The role that reports sponsored transactions and is paid back.
pub const SPONSOR: felt252 = 'SPONSOR';
/// The role that reports the experience of users.
pub const RECORDER: felt252 = 'RECORDER';

/// The gas that a user has used on a day, counted from 1970.
#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Usage {
    pub day: u64,
    pub gas: u64,
}

#[starknet::interface]
pub trait IPaymaster<TState> {
    fn token(self: @TState) -> ContractAddress;
    fn splitter(self: @TState) -> ContractAddress;
    fn reputation(self: @TState) -> ContractAddress;
    /// Return the most that a million gas may cost, in units of the token.
    fn max_price(self: @TState) -> u256;
    /// Return all units that splitters ever paid.
    fn total_funded(self: @TState) -> u256;
    /// Return all units that sponsors were ever paid back.
    fn total_spent(self: @TState) -> u256;
    /// Return the gas a day of a user; 0 when it has no reputation token.
    fn allowance_of(self: @TState, user: ContractAddress) -> u64;
    /// Return the gas that a user has left today.
    fn gas_left(self: @TState, user: ContractAddress) -> u64;
    /// Return whether a request was sponsored.
    fn is_sponsored(self: @TState, request: felt252) -> bool;
    /// Take what is due from the splitter, and count everything that it ever paid; return the new units. Anyone may
    /// call, even while the contract is paused.
    fn collect(ref self: TState) -> u256;
    /// Count a user's transaction against its allowance, and pay the sponsor back.
    fn sponsor(
        ref self: TState, request: felt252, user: ContractAddress, gas: u64, cost: u256
    );
    /// Raise a user's experience to a total.
    fn record(ref self: TState, user: ContractAddress, experience: u64);
    /// Set the most that a million gas may cost; only as an executed announcement.
    fn set_max_price(ref self: TState, price: u256);
    /// Name another splitter; only as an executed announcement.
    fn set_splitter(ref self: TState, splitter: ContractAddress);
}

#[starknet::contract]
pub mod Paymaster {
    use core::num::traits::Zero;
    use crate::fee_splitter::{IFeeSplitterDispatcher, IFeeSplitterDispatcherTrait};
    use crate::reputation::{IReputationDispatcher, IReputationDispatcherTrait};
    use crate::shared::guard::ReentrancyGuardComponent;
    use crate::shared::math::{Rounding, mul_div};
    use crate::shared::ownable::OwnableComponent;
    use crate::shared::pausable::{PAUSER, PausableComponent};
    use crate::shared::roles::RolesComponent;
    use crate::shared::safe_erc20;
    use crate::shared::sequence::SequenceComponent;
    use crate::shared::timelock::{TimelockComponent, assert_self_called};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use starknet::syscalls::deploy_syscall;
    use starknet::{
        ClassHash, ContractAddress, SyscallResultTrait, get_block_timestamp, get_caller_address,
        get_contract_address
    };
    use super::{ALLOWANCES, DAY_S, GAS_PRICED, RECORDER, SPONSOR, Usage};

    component!(path: SequenceComponent, storage: sequence, event: SequenceEvent);
    component!(path: OwnableComponent, storage: ownable, event: OwnableEvent);
    component!(path: RolesComponent, storage: roles, event: RolesEvent);
    component!(path: PausableComponent, storage: pausable, event: PausableEvent);
    component!(path: TimelockComponent, storage: timelock, event: TimelockEvent);
    component!(path: ReentrancyGuardComponent, storage: guard, event: GuardEvent);

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
    impl SequenceInternal = SequenceComponent::InternalImpl<ContractState>;
    impl OwnableInternal = OwnableComponent::InternalImpl<ContractState>;
    impl RolesInternal = RolesComponent::InternalImpl<ContractState>;
    impl PausableInternal = PausableComponent::InternalImpl<ContractState>;
    impl GuardInternal = ReentrancyGuardComponent::InternalImpl<ContractState>;

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
        guard: ReentrancyGuardComponent::Storage,
        token: ContractAddress,
        splitter: ContractAddress,
        reputation: ContractAddress,
        max_price: u256,
        /// What each splitter had paid when it was counted last.
        counted: Map<ContractAddress, u256>,
        total_funded: u256,
        total_spent: u256,
        usage: Map<ContractAddress, Usage>,
        sponsored: Map<felt252, bool>,
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
        GuardEvent: ReentrancyGuardComponent::Event,
        FundingCollected: FundingCollected,
        TransactionSponsored: TransactionSponsored,
        MaxPriceChanged: MaxPriceChanged,
        SplitterChanged: SplitterChanged,
    }

    #[derive(Drop, starknet::Event)]
    pub struct FundingCollected {
        pub sequence: u64,
        #[key]
        pub splitter: ContractAddress,
        pub amount: u256,
    }

    /// A user of `tier` used `gas` and has `gas_left` today; its sponsor was paid `cost`.
    #[derive(Drop, starknet::Event)]
    pub struct TransactionSponsored {
        pub sequence: u64,
        #[key]
        pub user: ContractAddress,
        #[key]
        pub request: felt252,
        pub sponsor: ContractAddress,
        pub gas: u64,
        pub gas_left: u64,
        pub tier: u8,
        pub cost: u256,
    }

    #[derive(Drop, starknet::Event)]
    pub struct MaxPriceChanged {
        pub sequence: u64,
        pub price: u256,
    }

    #[derive(Drop, starknet::Event)]
    pub struct SplitterChanged {
        pub sequence: u64,
        pub splitter: ContractAddress,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        pauser: ContractAddress,
        sponsor: ContractAddress,
        recorder: ContractAddress,
        token: ContractAddress,
        splitter: ContractAddress,
        reputation_class: ClassHash,
        max_price: u256
    ) {
        assert(token.is_non_zero(), 'Paymaster: token is zero');
        self.ownable.initializer(owner);
        self.roles.initializer(PAUSER, pauser);
        self.roles.initializer(SPONSOR, sponsor);
        self.roles.initializer(RECORDER, recorder);
        self.token.write(token);
        self.change_splitter(splitter);
        self.change_max_price(max_price);
        let this = get_contract_address();
        let (reputation, _) = deploy_syscall(reputation_class, 0, array![this.into()].span(), false)
            .unwrap_syscall();
        self.reputation.write(reputation);
    }

    #[abi(embed_v0)]
    impl PaymasterImpl of super::IPaymaster<ContractState> {
        fn token(self: @ContractState) -> ContractAddress {
            self.token.read()
        }

        fn splitter(self: @ContractState) -> ContractAddress {
            self.splitter.read()
        }

        fn reputation(self: @ContractState) -> ContractAddress {
            self.reputation.read()
        }

        fn max_price(self: @ContractState) -> u256 {
            self.max_price.read()
        }

        fn total_funded(self: @ContractState) -> u256 {
            self.total_funded.read()
        }

        fn total_spent(self: @ContractState) -> u256 {
            self.total_spent.read()
        }

        fn allowance_of(self: @ContractState, user: ContractAddress) -> u64 {
            allowance_in(self.token_of_reputation().tier(user))
        }

        fn gas_left(self: @ContractState, user: ContractAddress) -> u64 {
            self.allowance_of(user) - self.used_today(user)
        }

        fn is_sponsored(self: @ContractState, request: felt252) -> bool {
            self.sponsored.read(request)
        }

        fn collect(ref self: ContractState) -> u256 {
            self.guard.start();
            let splitter = self.splitter.read();
            let released = released_by(splitter);
            let amount = released - self.counted.read(splitter);
            assert(amount > 0, 'Paymaster: nothing to collect');
            self.counted.write(splitter, released);
            self.total_funded.write(self.total_funded.read() + amount);
            let sequence = self.sequence.next();
            self.emit(FundingCollected { sequence, splitter, amount });
            self.guard.end();
            amount
        }

        fn sponsor(
            ref self: ContractState, request: felt252, user: ContractAddress, gas: u64, cost: u256
        ) {
            self.pausable.assert_not_paused();
            self.roles.assert_role(SPONSOR);
            self.guard.start();
            assert(gas > 0, 'Paymaster: gas is zero');
            assert(!self.sponsored.read(request), 'Paymaster: already sponsored');
            self.sponsored.write(request, true);
            let (tier, gas_left) = self.use_gas(user, gas);
            self.spend(gas, cost);
            let sponsor = get_caller_address();
            let sequence = self.sequence.next();
            self
                .emit(
                    TransactionSponsored {
                        sequence, user, request, sponsor, gas, gas_left, tier, cost
                    }
                );
            if cost > 0 {
                safe_erc20::transfer(self.token.read(), sponsor, cost);
            }
            self.guard.end();
        }

        fn record(ref self: ContractState, user: ContractAddress, experience: u64) {
            self.pausable.assert_not_paused();
            self.roles.assert_role(RECORDER);
            self.token_of_reputation().raise(user, experience);
        }

        fn set_max_price(ref self: ContractState, price: u256) {
            assert_self_called();
            self.change_max_price(price);
        }

        fn set_splitter(ref self: ContractState, splitter: ContractAddress) {
            assert_self_called();
            self.change_splitter(splitter);
        }
    }

    #[generate_trait]
    impl Private of PrivateTrait {
        fn token_of_reputation(self: @ContractState) -> IReputationDispatcher {
            IReputationDispatcher { contract_address: self.reputation.read() }
        }

        fn used_today(self: @ContractState, user: ContractAddress) -> u64 {
            let usage = self.usage.read(user);
            if usage.day == today() {
                usage.gas
            } else {
                0
            }
        }

        /// Count gas of today and return the user's tier and what it has left.
        fn use_gas(ref self: ContractState, user: ContractAddress, gas: u64) -> (u8, u64) {
            let tier = self.token_of_reputation().tier(user);
            assert(tier > 0, 'Paymaster: no reputation');
            let left = allowance_in(tier) - self.used_today(user);
            assert(gas <= left, 'Paymaster: above the allowance');
            let used = self.used_today(user) + gas;
            self.usage.write(user, Usage { day: today(), gas: used });
            (tier, left - gas)
        }

        fn spend(ref self: ContractState, gas: u64, cost: u256) {
            let most = mul_div(gas.into(), self.max_price.read(), GAS_PRICED, Rounding::Down);
            assert(cost <= most, 'Paymaster: above the price');
            let spent = self.total_spent.read() + cost;
            assert(spent <= self.total_funded.read(), 'Paymaster: not funded');
            self.total_spent.write(spent);
        }

        fn change_max_price(ref self: ContractState, price: u256) {
            self.max_price.write(price);
            let sequence = self.sequence.next();
            self.emit(MaxPriceChanged { sequence, price });
        }

        fn change_splitter(ref self: ContractState, splitter: ContractAddress) {
            assert(splitter.is_non_zero(), 'Paymaster: splitter is zero');
            self.splitter.write(splitter);
            let sequence = self.sequence.next();
            self.emit(SplitterChanged { sequence, splitter });
        }
    }

    /// Take what is due from a splitter, and return all that it ever paid to this contract.
    fn released_by(splitter: ContractAddress) -> u256 {
        let splitter = IFeeSplitterDispatcher { contract_address: splitter };
        let this = get_contract_address();
        if splitter.due(this) > 0 {
            splitter.release(this);
        }
        splitter.released(this)
    }

    /// Return the gas a day of a tier; 0 for no tier.
    fn allowance_in(tier: u8) -> u64 {
        if tier == 0 {
            0
        } else {
            *ALLOWANCES.span()[tier.into() - 1]
        }
    }

    fn today() -> u64 {
        get_block_timestamp() / DAY_S
    }
}
