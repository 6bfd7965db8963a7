"""The check at the end of a run: nothing that was accepted is lost, and all rows equal the oracle's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from faust_redis.log import Log

from tests.community.compared.engine import rules
from tests.community.journal import TICK, Entry
from tests.community.oracle import Community
from tests.community.run import different_rows
from tests.community.servers.again import recorded
from tests.community.servers.rows import dead_letters, stored_rows

SHOWN_MAX = 20


async def check(log: Log, journal: Sequence[Entry], partitions: int, say: Callable[[str], None]) -> list[str]:
    """Return what is wrong at the end: a text for each failure."""
    records = await recorded(log, journal)
    failures = lost(journal, {name: len(found) for name, found in records.items()})
    say(f"{len(journal):,} entries of the journal, {len(failures)} of them lost or twice in the log")
    if letters := await dead_letters(log):
        failures.append(f"{letters} messages became dead letters")
    oracle = Community(partitions)
    oracle.apply_all(journal)
    stored = await stored_rows(log)
    different = different_rows(stored, oracle.rows(), rules(), oracle)
    count = sum(len(rows) for rows in stored.values())
    say(f"{count:,} rows, {len(different)} of them differ from the oracle's")
    return failures + different


def lost(journal: Iterable[Entry], records: dict[str, int]) -> list[str]:
    """Return a text for each accepted entry that is not in the log, or is there too often.

    A fill that its venue reports twice is two entries with one id, and the log has both.
    """
    expected = Counter(entry.id for entry in journal if entry.name != TICK)
    return [
        f"{name} was accepted {times} times, and the log has it {records.get(name, 0)} times"
        for name, times in expected.items()
        if records.get(name, 0) != times
    ]
