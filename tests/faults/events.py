"""Checks of one partition: each event once, with its content, in the order of its key. Pure functions.

Order is promised per key: the effects of one user's commands have the order of the commands.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import orjson
from faust_redis.log import StoredRecord

from tests.faults.model import Entry

Finding = str
TRACE = re.compile(rb'"traceparent":"[0-9a-f-]{55}",')
SHOWN = 5
"""Findings of one kind that are spelt out."""


def records_differ(where: str, right: Sequence[Entry], stored: Sequence[StoredRecord]) -> Iterator[Finding]:
    """Compare records with the model. Where the beginning was trimmed, the rest must be complete."""
    entries = [entry_of(record) for record in stored]
    known = {entry.id: entry for entry in right}
    times = Counter(entry.id for entry in entries)
    trimmed = bool(stored and stored[0].offset)
    yield from finding_if_any(where, "more than once", [f"{one} ({n} times)" for one, n in times.items() if n > 1])
    yield from finding_if_any(where, "unexpected", [entry for entry in entries if entry.id not in known])
    yield from finding_if_any(where, "missing", [] if trimmed else [entry for entry in right if entry.id not in times])
    yield from finding_if_any(where, "with another content", [one for one in entries if known.get(one.id, one) != one])
    yield from finding_if_any(where, "out of order", misplaced(right, entries))


def misplaced(right: Iterable[Entry], entries: Iterable[Entry]) -> Iterator[str]:
    """Return events that come after a later event of the same key, by the first occurrence of each."""
    place = {entry.id: number for number, entry in enumerate(right)}
    furthest: dict[str, Entry] = {}
    for entry in dict.fromkeys(entry for entry in entries if entry.id in place):
        before = furthest.setdefault(entry.key, entry)
        if place[before.id] > place[entry.id]:
            yield f"{entry.id} of {entry.key} comes after {before.id}"
        else:
            furthest[entry.key] = entry


def entry_of(record: StoredRecord) -> Entry:
    """Convert a stored record to the form of the model, which has no trace: the gateway gives each request its own."""
    key, value = record.key or b"", TRACE.sub(b"", record.value or b"{}")
    return Entry(str(orjson.loads(value).get("id")), key.decode(), value, record.timestamp_ms)


def finding_if_any(where: str, what: str, found: Iterable[object]) -> Iterator[Finding]:
    """Return the first few items and the number of all."""
    found = list(found)
    if found:
        yield f"{where}: {len(found)} {what}: " + "; ".join(str(one)[:400] for one in islice(found, SHOWN))
