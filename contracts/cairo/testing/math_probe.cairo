//! Lets a test call `mul_div`.

#[starknet::interface]
pub trait IMathProbe<TState> {
    fn mul_div(self: @TState, a: u256, b: u256, divisor: u256, up: bool) -> u256;
}

#[starknet::contract]
pub mod MathProbe {
    use crate::shared::math::{Rounding, mul_div};

    #[storage]
    struct Storage {}

    #[abi(embed_v0)]
    impl MathProbeImpl of super::IMathProbe<ContractState> {
        fn mul_div(self: @ContractState, a: u256, b: u256, divisor: u256, up: bool) -> u256 {
            mul_div(a, b, divisor, if up {
                Rounding::Up
            } else {
                Rounding::Down
            })
        }
    }
}
