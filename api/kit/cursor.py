"""Cursors of ranking pages: sealed, and valid for one ranking in one epoch.

A cursor names the last user of a page, who may be private.
"""

from __future__ import annotations

import orjson

from api.kit.problems import UNKNOWN_CURSOR, Problem
from api.kit.sealing import Sealer, SealError

PURPOSE = "cursor"
CURSOR_CHARS_MAX = 512


def write(sealer: Sealer, *, group: str, epoch: str, entry: str) -> str:
    """Return a cursor that continues after `entry`."""
    return sealer.seal(PURPOSE, orjson.dumps([group, epoch, entry]).decode())


def read(sealer: Sealer, cursor: str, *, group: str, epoch: str) -> str:
    """Return the entry to continue after.

    Raises:
        Problem: 400 when this API did not issue the cursor, or issued it for another ranking or epoch.
    """
    try:
        for_group, for_epoch, entry = orjson.loads(sealer.open(PURPOSE, cursor))
    except SealError as exc:
        raise Problem(UNKNOWN_CURSOR, "this is not a cursor that was given here") from exc
    if for_group != group:
        raise Problem(UNKNOWN_CURSOR, f"this cursor is for {for_group}, not for {group}")
    if for_epoch != epoch:
        raise Problem(UNKNOWN_CURSOR, "the table was rebuilt since this cursor was given; start again without one")
    return str(entry)
