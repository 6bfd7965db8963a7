"""Records that batches send, until their commit."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from faust_redis.batches import Batch, Received
from faust_redis.driver.commit.outputs import Output, OutputColumns, in_order
from faust_redis.log import StoredRecord
from hypothesis import given
from hypothesis import strategies as st

SOURCE = (TP("in", 0), 0)


class Named:
    def get_topic_name(self) -> str:
        return "out"


def columns(partition: int, *numbers: int) -> OutputColumns:
    size = len(numbers)
    values: list[bytes | None] = [b"%d" % number for number in numbers]
    return OutputColumns("out", partition, lambda: 0, [0] * size, [None] * size, values, [*numbers], SOURCE)


def output(partition: int, number: int) -> Output:
    return Output("out", partition, None, b"%d" % number, 0, (), SOURCE, None, number=number)


def test_columns_stay_when_nothing_comes_between() -> None:
    sent = [columns(0, 1, 2), columns(1, 3, 6), columns(0, 4, 5)]
    assert in_order([], sent) == ([], sent)


def test_columns_become_outputs_where_two_agents_sent_in_turn() -> None:
    outputs, kept = in_order([], [columns(0, 1, 4), columns(1, 2, 5), columns(0, 3)])
    assert [each.value for each in outputs] == [b"1", b"3", b"4"]
    assert [each.partition for each in kept] == [1]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), max_size=12))
def test_every_partition_gets_its_records_in_the_order_of_production(sends: list[tuple[int, int]]) -> None:
    """A send is a partition and an agent: agent 0 sends one by one, the others in columns."""
    single, together = [], dict[tuple[int, int], list[int]]()
    for number, (partition, agent) in enumerate(sends, 1):
        if agent == 0:
            single.append(output(partition, number))
        else:
            together.setdefault((partition, agent), []).append(number)
    sent = sorted((columns(place[0], *numbers) for place, numbers in together.items()), key=lambda each: each.numbers)
    outputs, kept = in_order(single, sent)
    for partition in (0, 1):
        written = [int(each.value or b"") for each in outputs if each.partition == partition]
        written += [int(value or b"") for each in kept if each.partition == partition for value in each.values]
        assert written == [number for number, (place, _) in enumerate(sends, 1) if place == partition]


def batch(writes: Any) -> Batch[Any]:
    app = SimpleNamespace(producer=SimpleNamespace(writes=writes))
    received = Received[Any](app, TP("in", 0), 1, StoredRecord(0, 0, None, b"v"), None, b"v")
    return Batch([received], received.message)


def test_a_batch_hands_its_records_over_when_its_handler_ends() -> None:
    joined: list[OutputColumns] = []
    writes = SimpleNamespace(
        draw=count(1).__next__,
        unjoined=set(),
        partition=lambda _topic, key: len(key),
        add_columns=lambda each, _message: joined.append(each),
    )
    topic, work = Named(), batch(writes)
    for key in (b"", b"k", b"j"):
        work.send(topic, key=key, value=key, timestamp_ms=5)
    assert not joined
    work.join()
    assert [(each.topic, each.partition, each.keys, each.numbers) for each in joined] == [
        ("out", 0, [b""], [1]),
        ("out", 1, [b"k", b"j"], [2, 3]),
    ]
    with pytest.raises(RuntimeError, match="the handler of this batch has ended"):
        work.send(topic, key=b"", value=b"", timestamp_ms=5)


def test_a_batch_that_failed_hands_nothing_over() -> None:
    def refuse(*_: object) -> None:
        pytest.fail("a record of a failed batch was handed over")

    writes = SimpleNamespace(
        draw=count(1).__next__, unjoined=set(), partition=lambda _topic, _key: 0, add_columns=refuse
    )
    work = batch(writes)
    work.send(Named(), key=b"", value=b"", timestamp_ms=5)
    work._message.acked = True
    work.join()
