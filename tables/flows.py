"""How events flow from topic to topic to table: what has to be processed before a table shows a command's effect."""

from __future__ import annotations

from typing import Final

from streams import topics
from tables.catalog import CATALOGUE

WRITTEN_FROM: Final = {
    topics.TRADING_MARKS: (topics.MARKET_PRICES,),
    topics.TRADING_EVENTS: (topics.TRADING_COMMANDS, topics.TRADING_MARKS),
    topics.GAMIFICATION_EVENTS: (topics.TRADING_EVENTS,),
    topics.FINANCIAL_EVENTS: (topics.TRADING_EVENTS,),
}
"""Topics that agents write, and the topics whose events make them do so."""

BROADCAST: Final = frozenset({topics.TRADING_MARKS})
"""Topics that get a copy in every partition, whatever the partition of its cause."""

SOURCES: Final = {table.name: table.sources for table in CATALOGUE}


def path(topic: str, table: str) -> tuple[str, ...]:
    """The topics that have to be processed, one after the other, until the table shows an event of `topic`.

    The shortest way, which is the direct effect; empty when the table shows nothing of that topic.
    """
    ways: list[tuple[str, ...]] = [(source,) for source in SOURCES[table]]
    seen = set(SOURCES[table])
    while ways:
        way = ways.pop(0)
        if way[0] == topic:
            return way
        for cause in WRITTEN_FROM.get(way[0], ()):
            if cause not in seen:
                seen.add(cause)
                ways.append((cause, *way))
    return ()


CONSUMED: Final = frozenset(topic for topics_of in (*SOURCES.values(), *WRITTEN_FROM.values()) for topic in topics_of)
"""Topics that the workers process."""
