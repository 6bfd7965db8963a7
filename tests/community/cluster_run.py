"""Play a journal to the rules of all six domains in dictionaries, without a server, and compare with the oracle.

`assert_equal(journal)` is the loop in which an oracle grows: seconds a run, any seed, any number of partitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from agents.rulebook import Rulebook
from streams.events.base import CATALOGUE, EventData
from streams.events.chain import (
    BatchSettled,
    FeesDistributed,
    FeesSwept,
    NFTMintConfirmed,
    NFTMintFailed,
    SponsoredCallReported,
)
from streams.events.financial import ReportDeposit, ReportPayout, ReviewWithdrawal, deposit_key
from streams.events.market import PriceUpdated
from streams.events.nft import ListNFT, UnlistNFT
from streams.events.trading import ReportFill
from streams.times import Instant
from streams.topology import TableSpec
from tables.domains import TOPOLOGY
from tests.community.compared.engine import StoredRow, differences, rules
from tests.community.journal import TICK, Entry
from tests.community.oracle import Community
from tests.unit.agents.cluster import Cluster

CONTRACT = "0x0badc0de"
SHOWN_MAX = 20

CLASSES = {model.__name__: model for model in CATALOGUE.values()}


def event_of(entry: Entry) -> EventData:
    """Return the event data of an entry that is no tick."""
    return CLASSES[entry.name].of(entry.data)


def key_of(entry: Entry, data: EventData) -> str:
    """Return the partition key that the product gives the event of an entry."""
    match data:
        case ReportFill() | ReviewWithdrawal() | ReportPayout() | SponsoredCallReported():
            return data.user_id
        case ReportDeposit():
            return deposit_key(data.provider, data.reference)
        case ListNFT() | UnlistNFT():
            return data.token_id
        case PriceUpdated():
            return data.market
        case NFTMintConfirmed() | NFTMintFailed() | BatchSettled() | FeesSwept() | FeesDistributed():
            return getattr(data, "contract", CONTRACT)
        case _:
            return entry.user


def play(
    journal: Iterable[Entry], partitions: int = 4, random: Random | None = None, rules: Rulebook | None = None
) -> Cluster:
    """Play a journal, each entry with all that follows, and return the cluster with its tables and events."""
    cluster = Cluster(partitions, rules, random=random)
    for entry in journal:
        play_entry(cluster, entry)
    return cluster


def play_entry(cluster: Cluster, entry: Entry) -> None:
    """Play one entry with all that follows."""
    if entry.name == TICK:
        cluster.tick(Instant(entry.at))
    else:
        data = event_of(entry)
        cluster.send(data, key_of(entry, data), Instant(entry.at), entry.id)


def stored(cluster: Cluster, *wanted: TableSpec[Any]) -> dict[str, list[StoredRow]]:
    """Return the rows of some tables, or of all."""
    found: dict[str, list[StoredRow]] = {}
    for partition, workers in enumerate(cluster.workers):
        for name, worker in workers.items():
            for spec in TOPOLOGY.domain(name).tables:
                if wanted and spec not in wanted:
                    continue
                rows = found.setdefault(spec.name, [])
                rows += [
                    StoredRow(partition, key.decode("utf-8", "surrogateescape"), _loaded(spec.model, raw))
                    for key, raw in worker.maps[spec.name].items()
                ]
    return found


def _loaded(model: Any, raw: bytes) -> Any:
    return raw if model is None else model.load(raw)


def assert_equal(
    journal: Iterable[Entry], *domains: str, partitions: int = 4, random: Random | None = None
) -> tuple[Cluster, Community]:
    """Play a journal to the rules and to the oracle, and fail with the first differences of some domains, or of all."""
    entries = list(journal)
    cluster = play(entries, partitions, random)
    community = Community(partitions)
    community.apply_all(entries)
    found = list(differences(stored(cluster), community.rows(), rules(*domains)))
    shown = "\n".join(one.text() for one in found[:SHOWN_MAX])
    assert not found, f"{len(found)} rows differ:\n{shown}"
    return cluster, community
