//! Multiplication and division of amounts. The product has 512 bits, so it never overflows, and every caller says which
//! way the quotient is rounded.

use core::integer::u512_safe_div_rem_by_u256;
use core::num::traits::WideMul;

#[derive(Copy, Drop, PartialEq)]
pub enum Rounding {
    Down,
    Up,
}

/// Return `a × b ÷ divisor`. Panic when the divisor is zero or the quotient has more than 256 bits.
pub fn mul_div(a: u256, b: u256, divisor: u256, rounding: Rounding) -> u256 {
    let divisor = divisor.try_into().expect('Math: division by zero');
    let (quotient, remainder) = u512_safe_div_rem_by_u256(a.wide_mul(b), divisor);
    assert(quotient.limb2 == 0 && quotient.limb3 == 0, 'Math: overflow');
    let floor = u256 { low: quotient.limb0, high: quotient.limb1 };
    if rounding == Rounding::Up && remainder != 0 {
        floor + 1
    } else {
        floor
    }
}

pub fn min(a: u256, b: u256) -> u256 {
    if a < b {
        a
    } else {
        b
    }
}
