"""Each shard of a log has an archive of its own, and a client of all shards reads them."""

from __future__ import annotations

from pathlib import Path

from faust_redis.archive import client_of
from faust_redis.log import Log
from faust_redis.log.sharded import open_log

from tests.archive.world import BOTH, SPEC, TOPIC, archive_all, archiver, fill, plain, read_all


async def test_a_client_of_two_shards_reads_both_archives(broker_url: str, namespace: str, tmp_path: Path) -> None:
    urls = f"{broker_url},{broker_url}"
    async with open_log(urls, namespace) as log:
        await log.create_topic(SPEC)
        await fill(log, 200)
        whole = {tp: plain(await read_all(log, tp)) for tp in BOTH}
        for shard in log.shards:
            await archive_all(archiver(shard, tmp_path))
            [tp] = [tp for tp in BOTH if shard.shard.holds(tp.partition)]
            await shard.redis.xtrim(shard.keys.stream(*tp), minid="0-200", approximate=False)
        assert await Log.beginning_offsets(log.shards[0], TOPIC) == {0: 190}
    async with open_log(urls, namespace, client=client_of(str(tmp_path))) as both:
        assert await both.beginning_offsets(TOPIC) == {0: 0, 1: 0}
        assert {tp: plain(await read_all(both, tp)) for tp in BOTH} == whole
