//! Stakes ASTRA and streams the splitter's staking share to the stakers.
//!
//! A stream pays what has arrived over 7 days, second by second. What arrives meanwhile waits for the next stream, so
//! small payments cannot stretch a stream. A stream stands still while nothing is staked: no reward accrues to nobody.
//! An index holds what one unit of stake has earned, times `SCALE`; what its division leaves is carried into the next
//! one. Earnings are kept times `SCALE`, too, and only a payment rounds, down: no order of calls makes or loses a unit.
//!
//! `STAKED_MAX` and `FUNDED_MAX` keep every product below 2^256, so arithmetic never stops a withdrawal.

use starknet::ContractAddress;

/// Seconds of a stream: 7 days.
pub const STREAM_S: u64 = 604800;
/// Seconds from `unstake` to `withdraw`: 7 days.
pub const EXIT_S: u64 = 604800;
/// The index and earnings are multiples of this: 1e36.
pub const SCALE: u256 = 1000000000000000000000000000000000000;
/// At most this much is staked: 1e36 units, so the carry of the index stays below one unit of reward.
pub const STAKED_MAX: u256 = 1000000000000000000000000000000000000;
/// At most this much is ever streamed: 2^128 - 1 units.
pub const FUNDED_MAX: u256 = 0xffffffffffffffffffffffffffffffff;

#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Stream {
    /// Units that this stream pays.
    pub amount: u256,
    /// What stakers have earned of it, times `SCALE`.
    pub released: u256,
    /// Seconds of it that have passed while something was staked.
    pub elapsed_s: u64,
    /// When this was computed, in seconds since 1970.
    pub updated_at: u64,
    /// What one unit of stake has earned in all streams, times `SCALE`.
    pub index: u256,
    /// What the division of the index left, times `SCALE`.
    pub carry: u256,
}

#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Exit {
    pub amount: u256,
    /// Seconds since 1970 from which the amount can be withdrawn.
    pub ready_at: u64,
}

#[starknet::interface]
pub trait IStakingManager<TState> {
    fn stake_token(self: @TState) -> ContractAddress;
    fn reward_token(self: @TState) -> ContractAddress;
    fn splitter(self: @TState) -> ContractAddress;
    /// Return the units that an account has staked; without those that leave.
    fn staked(self: @TState, account: ContractAddress) -> u256;
    fn total_staked(self: @TState) -> u256;
    /// Return the units of an account that leave, and from when it can withdraw them.
    fn exit_of(self: @TState, account: ContractAddress) -> Exit;
    /// Return the units of all accounts that leave.
    fn total_exiting(self: @TState) -> u256;
    /// Return the units of reward that an account can claim now.
    fn claimable(self: @TState, account: ContractAddress) -> u256;
    /// Return the stream as it was at its last update.
    fn stream(self: @TState) -> Stream;
    /// Return the units that wait for the next stream.
    fn waiting(self: @TState) -> u256;
    /// Return all units of reward that were ever collected.
    fn total_funded(self: @TState) -> u256;
    /// Return all units of reward that were ever claimed.
    fn total_claimed(self: @TState) -> u256;
    /// Stake an allowed amount.
    fn stake(ref self: TState, amount: u256);
    /// Begin to leave with an amount, which earns nothing from now on. An earlier exit joins it and waits again.
    fn unstake(ref self: TState, amount: u256);
    /// Take back what left 7 days ago, and return the units. Works while the contract is paused.
    fn withdraw(ref self: TState) -> u256;
    /// Pay the caller its rewards and return the units. Works while the contract is paused.
    fn claim(ref self: TState) -> u256;
    /// Take from the splitter what is due here, and put everything that has arrived into the next stream; return the
    /// units. Anyone may call.
    fn collect(ref self: TState) -> u256;
    /// Name another splitter; only as an executed announcement.
    fn set_splitter(ref self: TState, splitter: ContractAddress);
}

#[starknet::contract]
pub mod StakingManager {
    use core::num::traits::Zero;
    use crate::fee_splitter::{IFeeSplitterDispatcher, IFeeSplitterDispatcherTrait};
    use crate::shared::guard::ReentrancyGuardComponent;
    use crate::shared::math::{Rounding, min, mul_div};
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
    use starknet::{
        ContractAddress, get_block_timestamp, get_caller_address, get_contract_address
    };
    use super::{EXIT_S, Exit, FUNDED_MAX, SCALE, STAKED_MAX, STREAM_S, Stream};

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
        stake_token: ContractAddress,
        reward_token: ContractAddress,
        splitter: ContractAddress,
        staked: Map<ContractAddress, u256>,
        total_staked: u256,
        exits: Map<ContractAddress, Exit>,
        total_exiting: u256,
        stream: Stream,
        waiting: u256,
        total_funded: u256,
        total_claimed: u256,
        /// The index up to which `earned` counts.
        index_of: Map<ContractAddress, u256>,
        /// What an account has earned and not claimed, times `SCALE`.
        earned: Map<ContractAddress, u256>,
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
        Staked: Staked,
        ExitStarted: ExitStarted,
        Withdrawn: Withdrawn,
        RewardsClaimed: RewardsClaimed,
        RewardsCollected: RewardsCollected,
        StreamStarted: StreamStarted,
        SplitterChanged: SplitterChanged,
    }

    /// An account staked `amount` units and has `staked` now.
    #[derive(Drop, starknet::Event)]
    pub struct Staked {
        pub sequence: u64,
        #[key]
        pub account: ContractAddress,
        pub amount: u256,
        pub staked: u256,
    }

    /// An account leaves with `amount` units more, keeps `staked`, and can withdraw `exiting` from `ready_at` on.
    #[derive(Drop, starknet::Event)]
    pub struct ExitStarted {
        pub sequence: u64,
        #[key]
        pub account: ContractAddress,
        pub amount: u256,
        pub staked: u256,
        pub exiting: u256,
        pub ready_at: u64,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Withdrawn {
        pub sequence: u64,
        #[key]
        pub account: ContractAddress,
        pub amount: u256,
    }

    #[derive(Drop, starknet::Event)]
    pub struct RewardsClaimed {
        pub sequence: u64,
        #[key]
        pub account: ContractAddress,
        pub amount: u256,
    }

    #[derive(Drop, starknet::Event)]
    pub struct RewardsCollected {
        pub sequence: u64,
        pub amount: u256,
    }

    #[derive(Drop, starknet::Event)]
    pub struct StreamStarted {
        pub sequence: u64,
        pub amount: u256,
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
        stake_token: ContractAddress,
        reward_token: ContractAddress,
        splitter: ContractAddress
    ) {
        assert(stake_token.is_non_zero(), 'StakingManager: token is zero');
        assert(reward_token.is_non_zero(), 'StakingManager: token is zero');
        // One token for both would let stakes be streamed as rewards.
        assert(stake_token != reward_token, 'StakingManager: same token');
        self.ownable.initializer(owner);
        self.roles.initializer(PAUSER, pauser);
        self.stake_token.write(stake_token);
        self.reward_token.write(reward_token);
        self.change_splitter(splitter);
    }

    #[abi(embed_v0)]
    impl StakingManagerImpl of super::IStakingManager<ContractState> {
        fn stake_token(self: @ContractState) -> ContractAddress {
            self.stake_token.read()
        }

        fn reward_token(self: @ContractState) -> ContractAddress {
            self.reward_token.read()
        }

        fn splitter(self: @ContractState) -> ContractAddress {
            self.splitter.read()
        }

        fn staked(self: @ContractState, account: ContractAddress) -> u256 {
            self.staked.read(account)
        }

        fn total_staked(self: @ContractState) -> u256 {
            self.total_staked.read()
        }

        fn exit_of(self: @ContractState, account: ContractAddress) -> Exit {
            self.exits.read(account)
        }

        fn total_exiting(self: @ContractState) -> u256 {
            self.total_exiting.read()
        }

        fn claimable(self: @ContractState, account: ContractAddress) -> u256 {
            self.earned_by(account, self.present_stream().index) / SCALE
        }

        fn stream(self: @ContractState) -> Stream {
            self.stream.read()
        }

        fn waiting(self: @ContractState) -> u256 {
            self.waiting.read()
        }

        fn total_funded(self: @ContractState) -> u256 {
            self.total_funded.read()
        }

        fn total_claimed(self: @ContractState) -> u256 {
            self.total_claimed.read()
        }

        fn stake(ref self: ContractState, amount: u256) {
            self.pausable.assert_not_paused();
            self.guard.start();
            assert(amount > 0, 'StakingManager: amount is zero');
            let account = get_caller_address();
            self.settle(account);
            let total_staked = self.total_staked.read() + amount;
            assert(total_staked <= STAKED_MAX, 'StakingManager: too much stake');
            let staked = self.staked.read(account) + amount;
            self.total_staked.write(total_staked);
            self.staked.write(account, staked);
            let sequence = self.sequence.next();
            self.emit(Staked { sequence, account, amount, staked });
            safe_erc20::receive(self.stake_token.read(), account, amount);
            self.guard.end();
        }

        fn unstake(ref self: ContractState, amount: u256) {
            self.guard.start();
            assert(amount > 0, 'StakingManager: amount is zero');
            let account = get_caller_address();
            let before = self.staked.read(account);
            assert(before >= amount, 'StakingManager: not staked');
            self.settle(account);
            let staked = before - amount;
            self.staked.write(account, staked);
            self.total_staked.write(self.total_staked.read() - amount);
            let exiting = self.exits.read(account).amount + amount;
            let ready_at = get_block_timestamp() + EXIT_S;
            self.exits.write(account, Exit { amount: exiting, ready_at });
            self.total_exiting.write(self.total_exiting.read() + amount);
            let sequence = self.sequence.next();
            self.emit(ExitStarted { sequence, account, amount, staked, exiting, ready_at });
            self.guard.end();
        }

        fn withdraw(ref self: ContractState) -> u256 {
            self.guard.start();
            let account = get_caller_address();
            let exit = self.exits.read(account);
            let amount = exit.amount;
            assert(amount > 0, 'StakingManager: nothing leaves');
            assert(get_block_timestamp() >= exit.ready_at, 'StakingManager: too early');
            self.exits.write(account, Exit { amount: 0, ready_at: 0 });
            self.total_exiting.write(self.total_exiting.read() - amount);
            let sequence = self.sequence.next();
            self.emit(Withdrawn { sequence, account, amount });
            safe_erc20::transfer(self.stake_token.read(), account, amount);
            self.guard.end();
            amount
        }

        fn claim(ref self: ContractState) -> u256 {
            self.guard.start();
            let account = get_caller_address();
            self.settle(account);
            let earned = self.earned.read(account);
            let amount = earned / SCALE;
            assert(amount > 0, 'StakingManager: nothing earned');
            self.earned.write(account, earned % SCALE);
            self.total_claimed.write(self.total_claimed.read() + amount);
            let sequence = self.sequence.next();
            self.emit(RewardsClaimed { sequence, account, amount });
            safe_erc20::transfer(self.reward_token.read(), account, amount);
            self.guard.end();
            amount
        }

        fn collect(ref self: ContractState) -> u256 {
            self.pausable.assert_not_paused();
            self.guard.start();
            self.release_from_splitter();
            let amount = self.arrived();
            assert(amount > 0, 'StakingManager: nothing arrived');
            self.total_funded.write(self.total_funded.read() + amount);
            self.waiting.write(self.waiting.read() + amount);
            let sequence = self.sequence.next();
            self.emit(RewardsCollected { sequence, amount });
            self.advance();
            self.guard.end();
            amount
        }

        fn set_splitter(ref self: ContractState, splitter: ContractAddress) {
            assert_self_called();
            self.change_splitter(splitter);
        }
    }

    #[generate_trait]
    impl Private of PrivateTrait {
        /// Return what an account has earned and not claimed when the index is `index`, times `SCALE`.
        fn earned_by(self: @ContractState, account: ContractAddress, index: u256) -> u256 {
            let since = index - self.index_of.read(account);
            self.earned.read(account) + self.staked.read(account) * since
        }

        fn present_stream(self: @ContractState) -> Stream {
            advanced(self.stream.read(), self.total_staked.read(), get_block_timestamp())
        }

        /// Write down what an account has earned, before its stake changes.
        fn settle(ref self: ContractState, account: ContractAddress) {
            let index = self.advance();
            self.earned.write(account, self.earned_by(account, index));
            self.index_of.write(account, index);
        }

        /// Bring the stream to the present, start the next one after its end, and return the index.
        fn advance(ref self: ContractState) -> u256 {
            let mut stream = self.present_stream();
            let waiting = self.waiting.read();
            if stream.released == stream.amount * SCALE && waiting > 0 {
                stream.amount = waiting;
                stream.released = 0;
                stream.elapsed_s = 0;
                self.waiting.write(0);
                let sequence = self.sequence.next();
                self.emit(StreamStarted { sequence, amount: waiting });
            }
            self.stream.write(stream);
            stream.index
        }

        fn release_from_splitter(ref self: ContractState) {
            let splitter = IFeeSplitterDispatcher { contract_address: self.splitter.read() };
            let this = get_contract_address();
            if splitter.due(this) > 0 {
                splitter.release(this);
            }
        }

        /// Return the units of reward in the balance that were not collected yet.
        fn arrived(self: @ContractState) -> u256 {
            let balance = safe_erc20::balance_of(self.reward_token.read(), get_contract_address());
            let funded = self.total_funded.read();
            let held = funded - self.total_claimed.read();
            // A token that takes balances away leaves less than is held.
            if balance > held {
                min(balance - held, FUNDED_MAX - funded)
            } else {
                0
            }
        }

        fn change_splitter(ref self: ContractState, splitter: ContractAddress) {
            assert(splitter.is_non_zero(), 'StakingManager: no splitter');
            self.splitter.write(splitter);
            let sequence = self.sequence.next();
            self.emit(SplitterChanged { sequence, splitter });
        }
    }

    /// Return a stream as it is at `now`, when `total_staked` was staked since its last update.
    fn advanced(stream: Stream, total_staked: u256, now: u64) -> Stream {
        if total_staked == 0 {
            return Stream { updated_at: now, ..stream };
        }
        let passed_s = stream.elapsed_s + now - stream.updated_at;
        let elapsed_s = if passed_s < STREAM_S {
            passed_s
        } else {
            STREAM_S
        };
        let released = mul_div(
            stream.amount * SCALE, elapsed_s.into(), STREAM_S.into(), Rounding::Down
        );
        let shared = released - stream.released + stream.carry;
        Stream {
            amount: stream.amount,
            released,
            elapsed_s,
            updated_at: now,
            index: stream.index + shared / total_staked,
            carry: shared % total_staked
        }
    }
}
