"""Rows of each table go to the children of their partition, wherever a mover ends, and no money is lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from random import Random

import pytest
from faust_redis.resizing import Split
from msgspec.structs import replace

from tables.accounts import TRANSIT, account_of
from tables.domains import TOPOLOGY
from tables.financial import FINANCIAL_DEADLINES, FINANCIAL_LEDGER, FINANCIAL_PROCESSED, Balance
from tables.financial_audit import AUDITED, breaches
from tables.gamification import GAMIFICATION_RUNS, GAMIFICATION_SEALING, GAMIFICATION_WATERMARK, SEALING_KEY, Sealing
from tables.resizing.moving import PLANNED, MisplacedError, NotReadyError, PartitionPlan, moved
from tables.resizing.product import RULES
from tables.resizing.rules import Owned, Write
from tables.row import Row
from tables.social_people import SOCIAL_PROFILES
from tables.watermark import WATERMARK_KEY, Leaving, Watermark
from tests.community.resized import PARTITIONS, Tables, middles, resized

Rows = dict[tuple[str, int, str], bytes]
"""All rows, by table, partition and key."""

SPLITS = [Split(PARTITIONS, 8), Split(PARTITIONS, 12)]


def flat(tables: Tables) -> Rows:
    return {(t, p, key): raw for t, parts in tables.items() for p, rows in parts.items() for key, raw in rows.items()}


def written(rows: Rows, writes: Iterable[Write]) -> Rows:
    """Return the rows after some writes."""
    after = dict(rows)
    for table, partition, key, value in writes:
        if value is None:
            after.pop((table, partition, key), None)
        else:
            after[table, partition, key] = value
    return after


def plan_of(rows: Rows, split: Split, parent: int) -> list[Write]:
    plan = PartitionPlan(split, parent)
    for (table, partition, key), raw in rows.items():
        if partition == parent and table in PLANNED:
            plan.see(table, key, raw)
    return plan.writes()


def moves_of(rows: Rows, split: Split, parent: int) -> Iterator[Write]:
    for (table, partition, key), raw in rows.items():
        if partition == parent:
            yield from moved(split, parent, table, key, raw)


def owned_rows(tables: Tables) -> Iterator[tuple[str, int, str, bytes]]:
    """Yield the rows of all tables whose rows keys own: table, partition, key and value."""
    for (table, partition, key), raw in flat(tables).items():
        if isinstance(RULES[table], Owned):
            yield table, partition, key, raw


def is_transit(table: str, key: str) -> bool:
    return table == FINANCIAL_LEDGER.name and account_of(key)[0] == TRANSIT


def owner_of(table: str, key: str, raw: bytes) -> str | None:
    rule = RULES[table]
    assert isinstance(rule, Owned)
    return rule.owner(key, raw)


def transit(tables: Tables) -> dict[str, int]:
    """Return what is in transit of each asset, over all partitions."""
    sums: dict[str, int] = defaultdict(int)
    for rows in tables[FINANCIAL_LEDGER.name].values():
        for key, raw in rows.items():
            account, asset = account_of(key)
            sums[asset] += Balance.load(raw).amount if account == TRANSIT else 0
    return {asset: amount for asset, amount in sums.items() if amount}


def found_breaches(tables: Tables, partition: int) -> list[object]:
    books: dict[str, list[tuple[str, Row]]] = {}
    for spec in AUDITED:
        assert spec.model is not None
        books[spec.name] = [(key, spec.model.load(raw)) for key, raw in tables[spec.name][partition].items()]
    return list(breaches(books))


def test_each_table_has_one_rule() -> None:
    assert RULES.keys() == {table.name for table in TOPOLOGY.tables}


@pytest.mark.parametrize(("old", "new"), [(4, 4), (4, 6), (4, 2), (0, 4)])
def test_the_new_number_is_a_multiple_of_the_old_one(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="expected a multiple"):
        Split(old, new)


def test_each_key_belongs_to_the_family_of_its_partition() -> None:
    split, before = Split(4, 12), Split(1, 4)
    assert [list(split.family(parent)) for parent in range(4)] == [[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]]
    for key in map(str, range(200)):
        assert split.partition(key) in split.family(before.partition(key))


def test_each_row_that_a_key_owns_is_in_the_partition_of_this_key() -> None:
    seen = set()
    for table, partition, key, raw in (one for tables in middles() for one in owned_rows(tables)):
        owner = owner_of(table, key, raw)
        seen.add(table)
        assert owner is None or Split(1, PARTITIONS).partition(owner) == partition, f"{table} {key}"
    assert seen == {name for name, rule in RULES.items() if isinstance(rule, Owned)}


@pytest.mark.parametrize("split", SPLITS, ids=str)
def test_rows_are_where_their_owners_are_and_none_is_lost(split: Split) -> None:
    for before in middles():
        after = resized(before, split)
        for table, partition, key, raw in owned_rows(after):
            owner = owner_of(table, key, raw)
            assert owner is None or split.partition(owner) == partition, f"{table} {key}"
        had, has = (
            Counter((table, key, raw) for table, _, key, raw in owned_rows(tables) if not is_transit(table, key))
            for tables in (before, after)
        )
        assert had - has == Counter()
        assert {table for table, _, _ in has - had} <= {FINANCIAL_DEADLINES.name}


@pytest.mark.parametrize("split", SPLITS, ids=str)
def test_the_books_of_each_partition_balance_and_what_is_in_transit_stays(split: Split) -> None:
    for before in middles():
        after = resized(before, split)
        assert [found_breaches(before, one) for one in range(split.old)] == [[]] * split.old
        assert [found_breaches(after, one) for one in range(split.new)] == [[]] * split.new
        assert transit(after) == transit(before)


def test_a_mover_that_ends_anywhere_goes_on_from_its_plan() -> None:
    split, random = SPLITS[0], Random(1)
    before = flat(middles()[-1])
    expected = flat(resized(middles()[-1], split))
    for parent in range(split.old):
        plan, moves = plan_of(before, split, parent), list(moves_of(before, split, parent))
        whole = written(before, [*plan, *moves])
        for _ in range(10):
            ended = written(before, [*plan, *moves][: random.randint(0, len(plan) + len(moves))])
            again = written(ended, plan)
            assert written(again, moves_of(again, split, parent)) == whole
        before = whole
    assert before == expected


def test_a_plan_is_the_same_when_rows_come_twice() -> None:
    split, rows = SPLITS[0], flat(middles()[-1])
    for parent in range(split.old):
        plan = PartitionPlan(split, parent)
        for _ in range(2):
            for (table, partition, key), raw in rows.items():
                if partition == parent and table in PLANNED:
                    plan.see(table, key, raw)
        assert plan.writes() == plan_of(rows, split, parent)


def test_a_step_of_sealing_and_rows_of_another_broker_are_reasons_to_wait() -> None:
    nothing: Tables = {table.name: {} for table in TOPOLOGY.tables}
    split = SPLITS[0]
    for table, key, raw in (
        (GAMIFICATION_SEALING.name, SEALING_KEY, Sealing(until=1).dump()),
        (GAMIFICATION_RUNS.name, "global/week:2024-W38/xp|000000000", b""),
        (FINANCIAL_PROCESSED.name, "ada|", b""),
    ):
        with pytest.raises(NotReadyError, match="partition 2"):
            resized({**nothing, table: {2: {key: raw}}}, split)
    resized({**nothing, GAMIFICATION_SEALING.name: {2: {SEALING_KEY: Sealing().dump()}}}, split)


def test_a_row_in_a_partition_of_other_keys_is_an_error() -> None:
    split = SPLITS[0]
    wrong = (Split(1, 4).partition("ada") + 1) % 4
    with pytest.raises(MisplacedError, match="social-profiles has 'ada'"):
        resized({SOCIAL_PROFILES.name: {wrong: {"ada": b""}}}, split)


def test_a_child_has_the_watermark_of_its_partition_without_its_counts() -> None:
    passes = {"boards": Leaving(since=1, to=2, cursor="global/week:2024-W38|ada")}
    mark = Watermark(highest=9, late=3, dropped={"1h": 4}, kept_from={"1h": 5}, leaving=passes)
    nothing: Tables = {table.name: {} for table in TOPOLOGY.tables}
    after = resized({**nothing, GAMIFICATION_WATERMARK.name: {1: {WATERMARK_KEY: mark.dump()}}}, SPLITS[0])
    found = {p: Watermark.load(rows[WATERMARK_KEY]) for p, rows in after[GAMIFICATION_WATERMARK.name].items() if rows}
    assert found == {1: mark, 5: replace(mark, late=0, dropped={})}
