from pathlib import Path

from tests.community.cluster_run import CLASSES, assert_equal
from tests.community.journal import ACCOUNTS, CHAIN, PRICE, TICK, Entry, read, write

AT = 1_767_614_400_000_000
ID = "019b8e31-2c00-7000-8000-000000000001"


def test_a_journal_is_read_as_it_was_written(tmp_path: Path) -> None:
    entries = [
        Entry(number=0, at=AT, name=TICK, user="", id=ID),
        Entry(number=1, at=AT, name="Interact", user="ada", id=ID, data={"target": "bob", "kind": "like"}),
    ]
    write(tmp_path / "journal.jsonl", entries)
    assert list(read(tmp_path / "journal.jsonl")) == entries


def test_the_names_of_the_journal_are_names_of_events() -> None:
    assert {*ACCOUNTS, *CHAIN, PRICE, TICK} <= CLASSES.keys()


def test_a_journal_plays_through_the_rules() -> None:
    entries = [
        Entry(number=0, at=AT, name=TICK, user="", id=ID),
        Entry(number=1, at=AT, name=PRICE, user="", id=ID, data={"market": "BTC", "price": "50000"}),
        Entry(number=2, at=AT, name="CreateProfile", user="ada", id=ID, data={"display_name": "Ada"}),
    ]
    cluster, _ = assert_equal(entries)
    assert {event.type.rsplit(".", 2)[1] for event in cluster.events} >= {"Ticked", "PriceUpdated", "ProfileCreated"}
