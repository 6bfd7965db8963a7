"""Check signatures by a public key alone. Each function computes for some milliseconds: call it in a thread.

The functions import starknet-py, which takes half a second and 40 MB, so that a process without wallets does not.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from api.identity.wallets.config import AccountClass
from api.identity.wallets.felts import CURVE_ORDER, SIGNATURE_R_MAX

SIGNATURE_PARTS: Final = 2
LOADED: Final = "starknet_py.utils.typed_data"


def load() -> None:
    """Import starknet-py in this thread, if it is not imported yet, without stopping the event loop of another one.

    A garbage collection during the import would stop all threads for 200 ms, and each full one after it again. So
    there is none during the import, and later ones skip the modules.
    """
    if LOADED in sys.modules or not gc.isenabled():
        return
    gc.disable()
    try:
        importlib.import_module(LOADED)
    finally:
        gc.freeze()
        gc.enable()


def message_hash(typed_data: Mapping[str, Any], address: int) -> int:
    """Return the SNIP-12 hash that the account at an address signs."""
    from starknet_py.net.models.typed_data import TypedDataDict  # noqa: PLC0415 - see the module
    from starknet_py.utils.typed_data import TypedData  # noqa: PLC0415

    return TypedData.from_dict(cast("TypedDataDict", typed_data)).message_hash(address)


def is_signed_by(public_key: int, signed_hash: int, signature: Sequence[int]) -> bool:
    """Return whether a signature (r, s) of a hash is by a key.

    With (r, s) also (r, -s) is valid. That gives no second use, because the challenge counts, not the signature.
    """
    from starknet_py.hash.utils import verify_message_signature  # noqa: PLC0415

    if len(signature) != SIGNATURE_PARTS:
        return False
    r, s = signature
    if not (0 < r < SIGNATURE_R_MAX and 0 < s < CURVE_ORDER):
        return False
    return verify_message_signature(signed_hash, [r, s], public_key)


def is_owner(public_key: int, address: int, classes: Iterable[AccountClass]) -> bool:
    """Return whether an address is the one at which an account of these classes is deployed for this key.

    The address is a hash of the class, the salt and the constructor's arguments. Wallets take the key as the salt. So
    no other key gives the same address.
    """
    from starknet_py.hash.address import compute_address  # noqa: PLC0415

    return any(
        address
        == compute_address(
            class_hash=each.class_hash, constructor_calldata=each.constructor_calldata(public_key), salt=public_key
        )
        for each in classes
    )
