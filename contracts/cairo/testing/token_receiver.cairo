//! A contract that says that it receives ERC-721 tokens, and answers each one as a test says.

#[starknet::contract]
pub mod TokenReceiver {
    use crate::shared::erc721::{IERC721Receiver, IERC721_RECEIVER_ID, ISRC5};
    use starknet::ContractAddress;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};

    #[storage]
    struct Storage {
        answer: felt252,
    }

    #[constructor]
    fn constructor(ref self: ContractState, answer: felt252) {
        self.answer.write(answer);
    }

    #[abi(embed_v0)]
    impl SRC5Impl of ISRC5<ContractState> {
        fn supports_interface(self: @ContractState, interface_id: felt252) -> bool {
            interface_id == IERC721_RECEIVER_ID
        }
    }

    #[abi(embed_v0)]
    impl ReceiverImpl of IERC721Receiver<ContractState> {
        fn on_erc721_received(
            self: @ContractState,
            operator: ContractAddress,
            from: ContractAddress,
            token_id: u256,
            data: Span<felt252>
        ) -> felt252 {
            self.answer.read()
        }
    }
}
