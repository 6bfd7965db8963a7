"""`python -m tests.bench`: prints the machine, then a block of figures for each part."""

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from deploy.binary import find_binary
from deploy.embedded import EmbeddedServer
from tests.bench.agent_speed import Agent, AgentSpeed, measure_agent
from tests.bench.commit_speed import measure_commits
from tests.bench.feed_speed import Audience, FeedLoad, FeedSpeed, measure_feed
from tests.bench.ingress_speed import FILL, FILLS, ORDER, measure_ingress, measure_visibility
from tests.bench.machine import describe_machine
from tests.bench.product_speed import measure_product
from tests.bench.recovery_speed import measure_recovery
from tests.bench.restart_speed import measure_failover, measure_restarts

STUDY = """\
    for comparison, stock Faust 0.15.3 on a Kafka-protocol broker: 4.03k/s with a table, 13.9k/s stateless,
    1.58k/s with a table and exactly_once (from the study, same kind of machine; not measured here)"""

DESCRIPTION = """\
Measures this product on this machine. Medians of the runs, with least and greatest; a load is made from a seed.

  agent    events per second through one Faust agent on our driver: 200-byte JSON, 1,000 keys, 4 partitions, one worker
           process, topic filled first; stateless and with a table counter; until the last event is committed
  product  fills per second from the topic of commands to the last table: three domains, 14 tables
  ingress  requests per second that the API takes, of 1 and of 500 fills, without workers
  commit   what one commit costs by its size: what the client waits, how long the server serves nobody else
  recovery a table that comes back, from its snapshot and from its tail; bytes of a key on the broker and on disk
  visible  from accepted to seen on the live feed; fills come at a fixed rate whether or not earlier ones are done
  feed     the same at each of 500 subscribers, some of them slow; and of the feed alone, with rows written straight
  rolling  the longest time that a partition stands still while each of three workers is stopped and started in turn,
           with a record for every partition each 5 ms; as seen in the committed offsets
  failover the same from a SIGKILL of one of three workers until every partition commits again

Load client, broker and processes share the machine's cores. `per core` divides by CPU seconds of the worker alone."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.bench", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help="which parts (default: all of them)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each measurement (default: 3)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the loads (default: 1)")
    parser.add_argument("--events", type=int, default=50_000, help="events of an agent run (default: 50000)")
    parser.add_argument("--fills", type=int, default=10_000, help="fills of a product run (default: 10000)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="workers of product runs (default: 1 2)")
    parser.add_argument("--commits", type=int, default=2_000, help="commits of a commit run (default: 2000)")
    parser.add_argument("--keys", type=int, default=1_000_000, help="keys of a recovery run (default: 1000000)")
    parser.add_argument("--requests", type=int, default=3_000, help="requests of an ingress run (default: 3000)")
    parser.add_argument("--rate", type=float, default=100.0, help="fills per second on the feed (default: 100)")
    parser.add_argument("--feed-rate", type=float, default=75.0, help="fills a second under 500 feeds (default: 75)")
    parser.add_argument(
        "--row-rate", type=float, default=1_000.0, help="rows per second under 500 feeds (default: 1000)"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a feed run (default: 10)")
    parser.add_argument("--lease", type=float, default=2.0, help="lease of failover runs, seconds (default: 2)")
    parser.add_argument("--standbys", type=int, default=0, help="standby replicas in restarts (default: 0)")
    parser.add_argument("--store", default="astra-rocksdb://", help="store of the agent's table (default: RocksDB)")
    asked = parser.parse_args()
    unknown = set(asked.parts) - PARTS.keys()
    if unknown:
        parser.error(f"unknown parts {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return asked


def agent(asked: argparse.Namespace) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        for kind, store in (("stateless", "memory://"), ("table", "memory://"), ("table", asked.store)):
            one = Agent(kind, store, asked.events, asked.events // 10)
            yield from _agent_lines(measure_agent(server, one, runs=asked.runs, seed=asked.seed))
    yield STUDY


def _agent_lines(speed: AgentSpeed) -> Iterator[str]:
    store = f" in {speed.agent.store.removesuffix('://')}" if speed.agent.kind == "table" else ""
    yield f"  one agent, {speed.agent.kind}{store}, {speed.agent.events:,} events"
    yield f"    events/s            {speed.per_second}"
    yield f"    events/s per core   {speed.per_cpu_second}"
    yield f"    server us/event     {speed.server_us}"


def product(asked: argparse.Namespace) -> Iterator[str]:
    for workers in asked.workers:
        speed = measure_product(
            workers=workers, fills=asked.fills, warm_up=asked.fills // 10, runs=asked.runs, seed=asked.seed
        )
        yield f"  topic to committed tables, {workers} worker{'s' * (workers > 1)}, {asked.fills:,} fills"
        yield f"    fills/s             {speed.per_second}"
        yield f"    fills/s per core    {speed.per_cpu_second}"
        yield f"    server us/fill      {speed.server_us}"


def ingress(asked: argparse.Namespace) -> Iterator[str]:
    for command in (FILL, ORDER, FILLS):
        requests = max(1, asked.requests // (1 if command.batch == 1 else 20))
        speed = measure_ingress(command, requests=requests, runs=asked.runs, seed=asked.seed)
        yield f"  {command.name} a request to {command.path}, {requests:,} requests, closed loop, 16 connections"
        yield f"    requests/s          {speed.requests_per_second}"
        yield f"    requests/s per core {speed.requests_per_core}"
        yield f"    answered in ms      p50 {speed.ms(50)}; p99 {speed.ms(99)}"
        yield f"    CPU us/request      API {speed.cpu_us(lambda run: run.api_cpu_s)}"
        yield f"                        broker {speed.cpu_us(lambda run: run.server_cpu_s)}"
        yield f"                        client {speed.cpu_us(lambda run: run.client_cpu_s)}"


def visible(asked: argparse.Namespace) -> Iterator[str]:
    seen = measure_visibility(per_second=asked.rate, seconds=asked.seconds, runs=asked.runs, seed=asked.seed)
    yield f"  single fills, open loop at {asked.rate:g}/s for {asked.seconds:g} s, one worker, progress feed"
    yield f"    due to answered ms  p50 {seen.answered_ms(50)}; p99 {seen.answered_ms(99)}"
    yield f"    accepted to seen ms p50 {seen.visible_ms(50)}; p99 {seen.visible_ms(99)}"


def feed(asked: argparse.Namespace) -> Iterator[str]:
    fills = FeedLoad(asked.feed_rate, asked.seconds, through_a_worker=True)
    as_many_rows = FeedLoad(asked.feed_rate, asked.seconds, through_a_worker=False)
    many_rows = FeedLoad(asked.row_rate, asked.seconds, through_a_worker=False)
    everything = Audience(subscribers=500, own=False, slow=0)
    own = Audience(subscribers=500, own=True, slow=20)
    for audience, load in (
        (everything, as_many_rows),
        (replace(everything, slow=20), as_many_rows),
        (replace(everything, slow=20), fills),
        (own, fills),
        (own, many_rows),
    ):
        yield from _feed_lines(measure_feed(audience, load, runs=asked.runs, seed=asked.seed))


def _feed_lines(speed: FeedSpeed) -> Iterator[str]:
    changes = "fills through one worker" if speed.load.through_a_worker else "rows written straight"
    watched = "users of their own" if speed.audience.own else "everything"
    yield f"  {speed.audience.subscribers} subscribers to {watched}, {speed.audience.slow} slow ones beside them"
    yield f"    {speed.load.per_second:g} {changes} a second, open loop, {speed.load.seconds:g} s"
    yield f"    accepted to told ms p50 {speed.ms(50)}; p99 {speed.ms(99)}"
    yield f"    of it to committed  p50 {speed.commit_ms(50)}; p99 {speed.commit_ms(99)}"
    yield f"    worst client's p99  {speed.worst_ms}; never told: {speed.missed}"
    yield f"    cores busy          API {speed.of(lambda run: run.api_cpu_s / run.seconds)}"
    yield f"                        client {speed.of(lambda run: run.client_cpu_s / run.seconds)}"


def commit(asked: argparse.Namespace) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        for speed in measure_commits(server, commits=asked.commits, runs=asked.runs, seed=asked.seed):
            yield f"  commits of {speed.records} records, {asked.commits:,} one after the other"
            yield f"    answered in ms      p50 {speed.p50_ms}; p99 {speed.p99_ms}"
            yield f"    server blocked ms   p50 {speed.blocked_p50_ms}; max {speed.blocked_max_ms}"


def recovery(asked: argparse.Namespace) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        speed = measure_recovery(server, keys=asked.keys, runs=asked.runs)
    yield f"  a table of {speed.keys:,} keys, rows of 100 bytes, 4 partitions, RocksDB"
    yield f"    from the snapshot s {speed.of('snapshot_s')}"
    yield f"    as many changes s   {speed.of('tail_s')}"
    yield f"    nothing to read s   {speed.of('current_s')}"
    yield f"    bytes a key         broker {speed.of('redis_bytes')}; disk {speed.of('disk_bytes')}"


def rolling(asked: argparse.Namespace) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        speed = measure_restarts(server, rounds=asked.runs, standbys=asked.standbys)
    yield f"  three workers, each restarted {asked.runs} times, {asked.standbys} standbys"
    yield f"    a stop, pause ms    {speed.stop_ms}"
    yield f"    a start, pause ms   {speed.start_ms}"


def failover(asked: argparse.Namespace) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory, EmbeddedServer(Path(directory), find_binary()) as server:
        speed = measure_failover(server, rounds=asked.runs, lease_s=asked.lease, standbys=asked.standbys)
    yield f"  one of three workers killed, lease {asked.lease:g} s, a heartbeat each {asked.lease / 5:g} s"
    yield f"    to commits again ms {speed.total_ms}"
    yield f"    over the lease ms   {speed.over_lease_ms}"


PARTS = {
    "agent": agent,
    "product": product,
    "ingress": ingress,
    "visible": visible,
    "feed": feed,
    "commit": commit,
    "recovery": recovery,
    "rolling": rolling,
    "failover": failover,
}


def say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201 - that is its purpose


def main() -> None:
    asked = parse()
    say([describe_machine(), ""])
    for name in asked.parts or PARTS:
        say([name])
        say(PARTS[name](asked))


if __name__ == "__main__":
    main()
