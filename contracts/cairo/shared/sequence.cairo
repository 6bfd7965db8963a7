//! Numbers the events of a contract 1, 2, 3, …, so that a reader notices when it has missed one.

#[starknet::interface]
pub trait ISequence<TState> {
    /// Return the number of the last event; 0 before the first one.
    fn sequence(self: @TState) -> u64;
}

#[starknet::component]
pub mod SequenceComponent {
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};

    #[storage]
    pub struct Storage {
        pub Sequence_last: u64,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {}

    #[embeddable_as(SequenceImpl)]
    pub impl Sequence<
        TContractState, +HasComponent<TContractState>
    > of super::ISequence<ComponentState<TContractState>> {
        fn sequence(self: @ComponentState<TContractState>) -> u64 {
            self.Sequence_last.read()
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>
    > of InternalTrait<TContractState> {
        /// Return the number of the next event, which the caller must emit.
        fn next(ref self: ComponentState<TContractState>) -> u64 {
            let number = self.Sequence_last.read() + 1;
            self.Sequence_last.write(number);
            number
        }
    }
}
