"""Compare ledger, log and contracts to the unit: accrued = swept + held, and swept = distributed + held. Has no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from contracts.settlement.batches import Batch, State
from streams.units import TOKEN_UNIT


class Collector(NamedTuple):
    """What the collector says at one block. Amounts in units of the token.

    Attributes:
        last: The number of the last batch, and its hash.
        settled: Units that were ever settled.
        by_source: The same, by source.
        swept: Settled units that went to the splitter.
        surplus: Other units that went to the splitter.
        balance: Its tokens.
    """

    last: tuple[int, str]
    settled: int
    by_source: Mapping[str, int]
    swept: int
    surplus: int
    balance: int


class Beneficiary(NamedTuple):
    """What the splitter says of a beneficiary: units that it was ever paid, and units that are due."""

    released: int
    due: int


class Splitter(NamedTuple):
    """What a splitter says at the same block: units that it ever received and paid, its tokens, and to whom."""

    address: str
    received: int
    released: int
    balance: int
    beneficiaries: Mapping[str, Beneficiary]


class LedgerFees(NamedTuple):
    """The fees that the ledger has, at one moment, in 1e-8 of each asset.

    Attributes:
        by_source: Those of the settled asset.
        by_beneficiary: The same, by the ledger's names of those whom they are for.
        others: Those of other assets, by asset and source, which stay in the ledger.
    """

    by_source: Mapping[str, int] = {}
    by_beneficiary: Mapping[str, int] = {}
    others: Mapping[str, Mapping[str, int]] = {}


class Difference(NamedTuple):
    """Something that does not hold: a sentence, and by how much, in the unit that it names."""

    rule: str
    subject: str
    expected: int
    found: int

    def __str__(self) -> str:
        """Return the rule, what it is about, and both amounts."""
        return f"{self.rule}: {self.subject} is {self.found}, expected {self.expected}"


def held(state: State, last: int) -> dict[str, int]:
    """Return what is accrued and not settled by batches up to a number, by source, in 1e-8 USD."""
    sums = dict(state.open)
    for batch in state.batches:
        if batch.number > last:
            for source, amount in batch.totals.items():
                sums[source] = sums.get(source, 0) + TOKEN_UNIT * amount
    return sums


def in_the_log(state: State, accrued: Mapping[str, int]) -> Iterator[Difference]:
    """Yield where the fees of the ledger are not those in batches and the open ones, by source, in 1e-8 USD.

    `accrued` are the ledger's totals up to the offsets that the state has reached.
    """
    confirmed = {source: TOKEN_UNIT * amount for source, amount in state.confirmed_totals.items()}
    kept = held(state, state.confirmed[0])
    for source in sorted({*accrued, *confirmed, *kept}):
        found = confirmed.get(source, 0) + kept.get(source, 0)
        if found != accrued.get(source, 0):
            yield Difference("accrued = settled + held (1e-8 USD)", source, accrued.get(source, 0), found)


def in_the_ledger(fees: LedgerFees) -> Iterator[Difference]:
    """Yield whether the fees of all beneficiaries are those of all sources, in 1e-8 USD."""
    accrued, shared = sum(fees.by_source.values()), sum(fees.by_beneficiary.values())
    yield from _equal("accrued = shared between beneficiaries (1e-8 USD)", "the ledger", accrued, shared)


def on_the_chain(state: State, collector: Collector, splitter: Splitter) -> Iterator[Difference]:
    """Yield where contracts and batches differ, in units of the token."""
    last, _ = collector.last
    expected = dict(state.confirmed_totals)
    for batch in _up_to(state, last):
        for source, amount in batch.totals.items():
            expected[source] = expected.get(source, 0) + amount
    for source in sorted({*expected, *collector.by_source}):
        if collector.by_source.get(source, 0) != expected.get(source, 0):
            found = collector.by_source.get(source, 0)
            yield Difference("settled on chain = batches", source, expected.get(source, 0), found)
    yield from _equal("settled on chain = its sources", "total_settled", sum(expected.values()), collector.settled)
    at_least = collector.settled - collector.swept
    if collector.balance < at_least:
        yield Difference("settled = swept + held", "the collector's balance", at_least, collector.balance)
    sent = state.swept.get(splitter.address, 0) + state.surplus.get(splitter.address, 0)
    if splitter.received < sent:  # anyone may send it more
        yield Difference("received >= swept + surplus", "total_received", sent, splitter.received)
    due = sum(each.due for each in splitter.beneficiaries.values())
    if due > splitter.balance:
        yield Difference("held >= due to beneficiaries", "the splitter's balance", due, splitter.balance)


def facts_and_contracts(state: State, collector: Collector, splitter: Splitter) -> Iterator[Difference]:
    """Yield where the facts in the log are not what the contracts count, as of the indexer's cursor.

    The collector counts what it sent to all splitters. A splitter counts its own payments.
    """
    yield from _equal("facts = contracts", "swept", collector.swept, sum(state.swept.values()))
    yield from _equal("facts = contracts", "surplus", collector.surplus, sum(state.surplus.values()))
    distributed = state.distributed.get(splitter.address, {})
    for address in sorted({*distributed, *splitter.beneficiaries}):
        found, facts = splitter.beneficiaries.get(address, Beneficiary(0, 0)), distributed.get(address, 0)
        yield from _equal("facts = contracts", f"distributed to {address}", found.released, facts)
    yield from _equal("facts = contracts", "distributed", splitter.released, sum(distributed.values()))


def _up_to(state: State, last: int) -> Iterator[Batch]:
    return (batch for batch in state.batches if batch.number <= last)


def _equal(rule: str, subject: str, expected: int, found: int) -> Iterator[Difference]:
    if expected != found:
        yield Difference(rule, subject, expected, found)
