"""Outside execution of SNIP-9, version 2: calls that the owner of an account signed and somebody else sends.

Source: https://github.com/starknet-io/SNIPs/blob/main/SNIPS/snip-9.md
"""

from __future__ import annotations

from typing import Final

from starknet_py.hash.selector import get_selector_from_name

from contracts.clients.contract import At, Call
from contracts.indexer.node import NodeRefusedError
from contracts.sink.calls import OpenCall

ENTRYPOINT_NOT_FOUND: Final = 21
CONTRACT_ERROR: Final = 40
REFUSED_BY_CONTRACT: Final = frozenset({ENTRYPOINT_NOT_FOUND, CONTRACT_ERROR})


def execution(call: OpenCall, caller: int) -> Call:
    """Return the call that executes the calls of an account."""
    felts = [caller, int(call.nonce, 16), call.execute_after, call.execute_before, len(call.calls)]
    for each in call.calls:
        felts += [int(each.to, 16), int(each.selector, 16), len(each.calldata)]
        felts += [int(felt, 16) for felt in each.calldata]
    felts += [len(call.signature), *(int(felt, 16) for felt in call.signature)]
    return Call(int(call.account, 16), "execute_from_outside_v2", felts)


async def fault_of_nonce(at: At, call: OpenCall) -> str:
    """Return why an account takes nothing with the nonce of a call: it has used it, or it knows no outside execution.

    Return an empty text when it takes the nonce.
    """
    function = hex(get_selector_from_name("is_valid_outside_execution_nonce"))
    try:
        answer = await at.node.call(call.account, function, at.block, [int(call.nonce, 16)])
    except NodeRefusedError as exc:
        if exc.code not in REFUSED_BY_CONTRACT:
            raise
        answer = None
    if answer is None:
        return "no_outside_execution"
    return "" if answer == [1] else "nonce_used"
