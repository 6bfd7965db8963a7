"""The examples do on a real server what their text says."""

import asyncio
import sys
from datetime import datetime
from pathlib import Path

import httpx
import orjson
import pytest
from faust.livecheck.models import State
from faust_redis.admin import Admin
from faust_redis.log import Log

from tests.e2e.children import Child
from tests.library.examples import DIRECTORY, NOW_MS, Example, environment_of, running, worker


def test_every_example_is_run_by_a_test() -> None:
    text = Path(__file__).read_text()
    for path in DIRECTORY.glob("*.py"):
        assert f'"{path.stem}' in text, path


async def test_word_count(log: Log, tmp_path: Path) -> None:
    async with running("word_count", log, tmp_path) as example:
        await example.topic("lines")
        await example.send("lines", None, "to be or not")
        await example.send("lines", None, "TO be")
        await example.table("word-count-counts-changelog", {"to": 2, "be": 2, "or": 1, "not": 1})
        assert "to: 2" in example.children[0].output()


async def test_windows_are_counted_and_reported_when_they_close(log: Log, tmp_path: Path) -> None:
    minute, start = 60_000, NOW_MS // 120_000 * 120_000
    async with running("windows", log, tmp_path) as example:
        await example.topic("clicks")
        for at_ms in (0, 1_000, minute, 30 * minute):
            await example.send("clicks", "/home", {"page": "/home"}, start + at_ms)
        found = {
            (record.key, *value[1], value[2])
            for record in await example.records("closed-windows", 5)
            for value in [orjson.loads(record.value or b"")]
        }
    begin = start / 1_000
    tumbling = {(begin, 2), (begin + 60, 1)}
    hopping = {(begin - 60, 2), (begin, 3), (begin + 60, 1)}
    assert {(begin, count) for kind, begin, _, count in found if kind == b"tumbling"} == tumbling
    assert {(begin, count) for kind, begin, _, count in found if kind == b"hopping"} == hopping


async def test_a_table_of_sets_remembers_each_once(log: Log, tmp_path: Path) -> None:
    async with running("table_of_sets", log, tmp_path) as example:
        await example.topic("visits")
        for user in ("ada", "bob", "ada"):
            await example.send("visits", "/home", user)
        counts = [orjson.loads(record.value or b"") for record in await example.records("visitor-counts", 3)]
    assert counts == [1, 2, 2]


async def test_an_agent_answers_ask_join_and_map(log: Log, tmp_path: Path) -> None:
    async with running("rpc", log, tmp_path) as example:
        answers = {record.key: orjson.loads(record.value or b"") for record in await example.records("answers", 3)}
    assert answers == {b"ask": [16], b"join": [1, 4, 9], b"map": [25, 36, 49]}


@pytest.mark.heavy
async def test_a_leader_timer_runs_on_one_member_and_moves_on_with_leadership(log: Log, tmp_path: Path) -> None:
    async with running("leader_timer", log, tmp_path) as example:
        for name in ("second", "third"):
            example.children.append(worker("leader_timer", log, tmp_path, name, WORKER_NAME=name))

        async def three_are_stable() -> bool:
            group = await Admin(log).describe_group("leader-timer")
            return group.ready and len(group.members) == 3

        async def tickers_since(count: int) -> set[str]:
            return {orjson.loads(one.value or b"") for one in (await example.records("ticks", count + 3))[count:]}

        await example.until(three_are_stable)
        [ticker] = await tickers_since(len(await example.present("ticks")) + 1)
        [leader] = [child for child in example.children if child.name == ticker]
        example.children.remove(leader)
        assert leader.stop()
        [heir] = await tickers_since(len(await example.present("ticks")))
        assert heir != ticker


@pytest.mark.heavy
async def test_a_crontab_runs_at_its_seconds(log: Log, tmp_path: Path) -> None:
    async with running("crontab", log, tmp_path) as example:
        times = [orjson.loads(record.value or b"") for record in await example.records("reports", 2)]
    assert all(datetime.fromisoformat(time).second % 2 == 0 for time in times)
    assert len(set(times)) == len(times)


async def test_group_by_brings_the_orders_of_an_account_together(log: Log, tmp_path: Path) -> None:
    async with running("group_by", log, tmp_path) as example:
        await example.topic("orders")
        for n, account in enumerate(("ada", "bob", "ada", "ada")):
            await example.send("orders", f"market-{n}", {"account": account, "amount": n + 1})
        await example.table("group-by-totals-changelog", {"ada": 8, "bob": 2})


@pytest.mark.heavy
async def test_a_sensor_sees_events_writes_and_commits(log: Log, tmp_path: Path) -> None:
    async with running("sensor", log, tmp_path) as example:
        await example.topic("readings")
        for value in (1, 2, 3):
            await example.send("readings", None, {"value": value})

        async def all_of_it() -> bool:
            seen = [orjson.loads(record.value or b"") for record in await example.present("counted")]
            expected = {"received": 3, "finished": 3, "written": 3}
            return any(expected.items() <= one.items() and one.get("committed") for one in seen)

        await example.until(all_of_it)


@pytest.mark.heavy
async def test_livecheck_follows_an_order(log: Log, tmp_path: Path) -> None:
    async with running("livecheck", log, tmp_path) as example:
        example.children.append(worker("livecheck", log, tmp_path, "checks", command="livecheck"))

        async def passed() -> bool:
            reports = [orjson.loads(record.value or b"") for record in await example.present("livecheck-report")]
            return any(report["state"] == State.DO_NOT_SHARE.value for report in reports)  # Faust's value for "passed".

        await example.until(passed)


async def test_a_worker_runs_inside_fastapi(log: Log, tmp_path: Path) -> None:
    socket = tmp_path / "s"
    argv = [sys.executable, "-m", "uvicorn", "fastapi_app:api", "--uds", str(socket), "--app-dir", str(DIRECTORY)]
    example = Example(log, [Child("api", argv, environment_of(log, FAUST_DATADIR=str(tmp_path)), tmp_path)])
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        await example.until(socket.exists)
        for _ in range(2):
            assert (await client.post("/clicks/ada")).status_code == 202

        async def counted() -> bool:
            return bool((await client.get("/clicks/ada")).json() == 2)

        await example.until(counted)
    assert await asyncio.to_thread(lambda: example.children[0].popen.poll() is None)
    assert example.children[0].stop(), example.last_words()
