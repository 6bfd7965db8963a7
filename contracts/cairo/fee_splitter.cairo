//! Splits the tokens that it receives between beneficiaries by their shares.
//!
//! Every token in its balance counts as received, however it came. A beneficiary has earned, over all time, its share
//! of everything received in each epoch; what was already paid is subtracted. So the order and the grouping of payments
//! change no total. Shares round down, and the first beneficiary, the treasury, gets what rounding leaves: the earnings
//! of all beneficiaries add up to what was received, to the unit.

use starknet::ContractAddress;

/// Shares are parts of this; those of an epoch add up to it.
pub const PPM: u32 = 1000000;
/// A change of shares looks at every beneficiary, so their number is bounded.
pub const BENEFICIARIES_MAX: u32 = 16;

#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Share {
    pub beneficiary: ContractAddress,
    pub ppm: u32,
}

#[starknet::interface]
pub trait IFeeSplitter<TState> {
    fn token(self: @TState) -> ContractAddress;
    /// Return the beneficiaries of this epoch; the first one is the treasury.
    fn shares(self: @TState) -> Span<Share>;
    /// Return how often the shares were set.
    fn epoch(self: @TState) -> u64;
    /// Return all units that were ever received.
    fn total_received(self: @TState) -> u256;
    /// Return all units that were ever paid.
    fn total_released(self: @TState) -> u256;
    /// Return the units that were ever paid to a beneficiary.
    fn released(self: @TState, beneficiary: ContractAddress) -> u256;
    /// Return the units that a beneficiary can be paid now; also a former one.
    fn due(self: @TState, beneficiary: ContractAddress) -> u256;
    /// Pay a beneficiary all that it has earned and not been paid yet, and return the units. Anyone may call, even while
    /// the contract is paused.
    fn release(ref self: TState, beneficiary: ContractAddress) -> u256;
    /// Pay all beneficiaries of this epoch. Skip one whose payment fails; it can be paid later.
    fn distribute(ref self: TState);
    /// Set the shares of a splitter that was deployed without any, as the owner. They split all that it received.
    fn set_first_shares(ref self: TState, shares: Span<Share>);
    /// Change the shares, which begins a new epoch; only as an executed announcement. Tokens that were received before
    /// are still split by the shares of their own epoch.
    fn set_shares(ref self: TState, shares: Span<Share>);
}

#[starknet::contract]
pub mod FeeSplitter {
    use core::num::traits::Zero;
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
    use starknet::{ContractAddress, get_contract_address};
    use super::{BENEFICIARIES_MAX, PPM, Share};

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
        epoch: u64,
        /// Everything received before this epoch, which `carried` splits.
        received_before: u256,
        shares: Map<u32, Share>,
        shares_len: u32,
        /// What a beneficiary earned in former epochs.
        carried: Map<ContractAddress, u256>,
        released: Map<ContractAddress, u256>,
        total_released: u256,
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
        FeesDistributed: FeesDistributed,
        PaymentSkipped: PaymentSkipped,
        SharesChanged: SharesChanged,
    }

    #[derive(Drop, starknet::Event)]
    pub struct FeesDistributed {
        pub sequence: u64,
        #[key]
        pub beneficiary: ContractAddress,
        pub amount: u256,
        pub epoch: u64,
    }

    #[derive(Drop, starknet::Event)]
    pub struct PaymentSkipped {
        pub sequence: u64,
        #[key]
        pub beneficiary: ContractAddress,
        pub amount: u256,
        pub epoch: u64,
    }

    #[derive(Drop, starknet::Event)]
    pub struct SharesChanged {
        pub sequence: u64,
        pub epoch: u64,
        pub received_before: u256,
        pub shares: Span<Share>,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        pauser: ContractAddress,
        token: ContractAddress,
        shares: Span<Share>
    ) {
        assert(token.is_non_zero(), 'FeeSplitter: token is zero');
        self.ownable.initializer(owner);
        self.roles.initializer(PAUSER, pauser);
        self.token.write(token);
        // A beneficiary whose own constructor takes the splitter is deployed later, and named by `set_first_shares`.
        if !shares.is_empty() {
            self.begin_epoch(shares);
        }
    }

    #[abi(embed_v0)]
    impl FeeSplitterImpl of super::IFeeSplitter<ContractState> {
        fn token(self: @ContractState) -> ContractAddress {
            self.token.read()
        }

        fn shares(self: @ContractState) -> Span<Share> {
            let mut shares = array![];
            let mut i = 0;
            while i != self.shares_len.read() {
                shares.append(self.shares.read(i));
                i += 1;
            };
            shares.span()
        }

        fn epoch(self: @ContractState) -> u64 {
            self.epoch.read()
        }

        fn total_received(self: @ContractState) -> u256 {
            safe_erc20::balance_of(self.token.read(), get_contract_address())
                + self.total_released.read()
        }

        fn total_released(self: @ContractState) -> u256 {
            self.total_released.read()
        }

        fn released(self: @ContractState, beneficiary: ContractAddress) -> u256 {
            self.released.read(beneficiary)
        }

        fn due(self: @ContractState, beneficiary: ContractAddress) -> u256 {
            self.due_of(beneficiary, self.total_received())
        }

        fn release(ref self: ContractState, beneficiary: ContractAddress) -> u256 {
            self.guard.start();
            let amount = self.due(beneficiary);
            assert(amount > 0, 'FeeSplitter: nothing is due');
            self.add_released(beneficiary, amount);
            self.emit_distributed(beneficiary, amount);
            safe_erc20::transfer(self.token.read(), beneficiary, amount);
            self.guard.end();
            amount
        }

        fn distribute(ref self: ContractState) {
            self.pausable.assert_not_paused();
            self.guard.start();
            for share in self.shares() {
                self.pay_or_skip(*share.beneficiary);
            };
            self.guard.end();
        }

        fn set_first_shares(ref self: ContractState, shares: Span<Share>) {
            self.ownable.assert_owner();
            assert(self.epoch.read() == 0, 'FeeSplitter: has shares');
            self.guard.start();
            self.begin_epoch(shares);
            self.guard.end();
        }

        fn set_shares(ref self: ContractState, shares: Span<Share>) {
            assert_self_called();
            assert(self.epoch.read() != 0, 'FeeSplitter: no first shares');
            self.guard.start();
            self.close_epoch();
            self.begin_epoch(shares);
            self.guard.end();
        }
    }

    #[generate_trait]
    impl Private of PrivateTrait {
        fn due_of(
            self: @ContractState, beneficiary: ContractAddress, total_received: u256
        ) -> u256 {
            let earned = self.earned(beneficiary, total_received);
            let released = self.released.read(beneficiary);
            // A token that takes balances away must not block what was earned since.
            if earned > released {
                earned - released
            } else {
                0
            }
        }

        /// Return what a beneficiary earned in all epochs.
        fn earned(
            self: @ContractState, beneficiary: ContractAddress, total_received: u256
        ) -> u256 {
            let before = self.received_before.read();
            let received = if total_received > before {
                total_received - before
            } else {
                0
            };
            self.carried.read(beneficiary) + self.earned_in_epoch(beneficiary, received)
        }

        fn earned_in_epoch(
            self: @ContractState, beneficiary: ContractAddress, received: u256
        ) -> u256 {
            let mut own = 0;
            let mut others = 0;
            for share in self.shares() {
                let part = mul_div(received, (*share.ppm).into(), PPM.into(), Rounding::Down);
                if *share.beneficiary == beneficiary {
                    own = part;
                } else {
                    others += part;
                }
            };
            if beneficiary == self.shares.read(0).beneficiary && beneficiary.is_non_zero() {
                received - others
            } else {
                own
            }
        }

        fn pay_or_skip(ref self: ContractState, beneficiary: ContractAddress) {
            let amount = self.due(beneficiary);
            if amount == 0 {
                return;
            }
            self.add_released(beneficiary, amount);
            if safe_erc20::try_transfer(self.token.read(), beneficiary, amount) {
                self.emit_distributed(beneficiary, amount);
            } else {
                self.released.write(beneficiary, self.released.read(beneficiary) - amount);
                self.total_released.write(self.total_released.read() - amount);
                let sequence = self.sequence.next();
                let epoch = self.epoch.read();
                self.emit(PaymentSkipped { sequence, beneficiary, amount, epoch });
            }
        }

        fn add_released(ref self: ContractState, beneficiary: ContractAddress, amount: u256) {
            self.released.write(beneficiary, self.released.read(beneficiary) + amount);
            self.total_released.write(self.total_released.read() + amount);
        }

        fn emit_distributed(ref self: ContractState, beneficiary: ContractAddress, amount: u256) {
            let sequence = self.sequence.next();
            let epoch = self.epoch.read();
            self.emit(FeesDistributed { sequence, beneficiary, amount, epoch });
        }

        /// Turn what each beneficiary earned into a fixed amount.
        fn close_epoch(ref self: ContractState) {
            let total_received = self.total_received();
            let shares = self.shares();
            let mut earned = array![];
            for share in shares {
                earned.append(self.earned(*share.beneficiary, total_received));
            };
            let mut i = 0;
            while i != shares.len() {
                self.carried.write(*shares[i].beneficiary, *earned[i]);
                i += 1;
            };
            self.received_before.write(total_received);
        }

        fn begin_epoch(ref self: ContractState, shares: Span<Share>) {
            assert(!shares.is_empty(), 'FeeSplitter: no beneficiary');
            assert(shares.len() <= BENEFICIARIES_MAX, 'FeeSplitter: too many');
            let mut total = 0;
            let mut i = 0;
            while i != shares.len() {
                let share = *shares[i];
                assert_valid(share, shares.slice(0, i));
                self.shares.write(i, share);
                total += share.ppm;
                i += 1;
            };
            assert(total == PPM, 'FeeSplitter: not 1,000,000 ppm');
            self.shares_len.write(shares.len());
            let epoch = self.epoch.read() + 1;
            self.epoch.write(epoch);
            let sequence = self.sequence.next();
            let received_before = self.received_before.read();
            self.emit(SharesChanged { sequence, epoch, received_before, shares });
        }
    }

    fn assert_valid(share: Share, others: Span<Share>) {
        assert(share.beneficiary.is_non_zero(), 'FeeSplitter: zero beneficiary');
        assert(share.beneficiary != get_contract_address(), 'FeeSplitter: pays itself');
        assert(share.ppm > 0, 'FeeSplitter: share is zero');
        for other in others {
            assert(*other.beneficiary != share.beneficiary, 'FeeSplitter: duplicate');
        }
    }
}
