from __future__ import annotations

import pytest
from faust_redis.log.partitioner import partition_for


@pytest.mark.parametrize(
    ("key", "hashed"),
    [  # The values come from Kafka's own UtilsTest.testMurmur2.
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
@pytest.mark.parametrize("partitions", [1, 4, 7])
def test_keys_go_where_kafka_would_put_them(key: bytes, hashed: int, partitions: int) -> None:
    assert partition_for(key, partitions) == (hashed & 0x7FFFFFFF) % partitions


def test_a_record_without_key_goes_anywhere() -> None:
    assert {partition_for(None, 3) for _ in range(200)} == {0, 1, 2}
