"""Run the processes of `astratrade dev`: embedded server, workers, relay, clock, webhooks, API, bridge, a replay."""

from __future__ import annotations

import asyncio
import http.client
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from http import HTTPStatus
from itertools import product
from urllib.parse import urlsplit

from faust_redis.log.address import split_urls
from faust_redis.log.connection import without_password
from rich.console import Console

from deploy.admin.database import prepare_database
from deploy.admin.demo import PEOPLE, create_demo_accounts, has_demo_accounts, password_file, sign_in_command
from deploy.admin.tokens import DEV_USER, DEV_VENUE
from deploy.broker import broker_url, log_of
from deploy.errors import DeployError
from deploy.replay.fills import read_fills
from deploy.rulebook import load_rulebook
from deploy.run.readiness import missing_for_readiness
from deploy.run.supervisor import Command, StopRequested, Supervisor, stop_on_signals
from deploy.run.worker_plan import expected_members, worker_plan
from deploy.server.address import api_url, free_port
from deploy.server.embedded import EmbeddedServer
from deploy.server.endpoint import shard_directory
from deploy.server.server_binary import find_binary
from deploy.settings import Settings
from streams.connect.kafka.address import address_of
from streams.connect.kafka.broker import check as check_kafka
from tables.domains import TOPOLOGY

API_GRACE_S = 10.0
BRIDGE_GRACE_S = 10.0
RELAY_GRACE_S = 5.0
CLOCK_GRACE_S = 5.0
WEBHOOKS_GRACE_S = 12.0
"""An attempt to post takes at most ten seconds."""
ARCHIVE_GRACE_S = 10.0
WORKER_GRACE_S = 20.0
REPLAY_GRACE_S = 5.0
READY_DEADLINE_S = 120.0
READY_POLL_S = 0.2
PROBE_TIMEOUT_S = 2.0
READY_PATH = "/readyz"


def run_dev(settings: Settings, replay: str | None, token_command: str, *, clock: bool) -> None:
    """Run all processes until a signal. Then stop the API first, then the workers, then the server.

    Args:
        settings: The settings.
        replay: A file of fills to replay, `sample`, or None. Its last prices become the mark prices.
        token_command: The command that prints a token on this data directory, as the user can paste it.
        clock: Whether to run the clock. Without it the replay ticks the time of its last fill.

    Raises:
        DeployError: when a process cannot be started. Running processes are stopped first.
    """
    load_rulebook(settings)  # report a bad rule book before anything starts
    if replay is not None:
        read_fills(replay)  # likewise report a bad file of fills
    api_port = free_port(settings.api_host, settings.api_port)
    settings = settings.with_archive().model_copy(update={"api_port": api_port})
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    supervisor = Supervisor(lambda line: console.print(f"[bold]dev[/]: {line}"))
    with stop_on_signals():
        try:
            _start(settings, supervisor, console, token_command, clock=clock)
            if replay is not None:
                arguments = ["replay", replay, "--marks", *([] if clock else ["--tick"])]
                supervisor.keep("replay", _command(settings, arguments, REPLAY_GRACE_S), once=True)
            supervisor.run()
        except StopRequested:
            console.print("[bold]dev[/]: stopping")
        finally:
            supervisor.stop()


def _start(settings: Settings, supervisor: Supervisor, console: Console, token_command: str, *, clock: bool) -> None:
    started = time.monotonic()

    def report(name: str, role: str) -> None:
        console.print(f"[bold]dev[/]: {name:<9} {role}")

    asyncio.run(_prepare(settings))
    if settings.on_kafka:
        asyncio.run(check_kafka(address_of(broker_url(settings))))
    if settings.embedded:
        settings = settings.with_log_url(",".join(_start_servers(settings, supervisor, report)))
    asyncio.run(_check_broker(settings))
    if settings.on_kafka:
        supervisor.keep("bridge", _command(settings, ["bridge"], BRIDGE_GRACE_S))
        report("bridge", "copies between Kafka and the views")
    for number, (shard, domains) in enumerate(product(range(settings.shard_count), worker_plan(settings.workers)), 1):
        supervisor.keep(*worker_command(settings, number, domains, shard), stage="workers")
        of_shard = f" of shard {shard}" if settings.shard_count > 1 else ""
        report(f"worker {number}", f"runs {', '.join(domains)}{of_shard}")
    supervisor.keep("relay", _command(settings, ["relay"], RELAY_GRACE_S))
    report("relay", "publishes the changes of accounts")
    if clock:
        supervisor.keep("clock", _command(settings, ["clock"], CLOCK_GRACE_S))
        report("clock", "ticks the time into the log")
    if settings.archive_url is not None:
        supervisor.keep("archive", _command(settings, ["archive"], ARCHIVE_GRACE_S))
        report("archive", "moves old records to files")
    supervisor.keep("webhooks", _command(settings, ["webhooks"], WEBHOOKS_GRACE_S))
    report("webhooks", "posts events to partners")
    supervisor.keep("api", _command(settings, ["api"], API_GRACE_S + settings.drain_s))
    report("api", "takes commands, answers queries, serves feeds")
    _wait_until_ready(settings, supervisor)
    _announce(settings, console, time.monotonic() - started, token_command)


def _start_servers(settings: Settings, supervisor: Supervisor, report: Callable[[str, str], None]) -> list[str]:
    """Start the embedded servers, one for each shard; return their URLs."""
    urls: list[str] = []
    for number in range(settings.shards):
        binary = find_binary(settings.server_binary)
        server = EmbeddedServer(shard_directory(settings.data_dir, number), binary, appendfsync=settings.appendfsync)
        server.start()
        name = f"server {number}" if settings.shards > 1 else "server"
        supervisor.keep(name, server, started=True)
        report(name, "keeps the log and all tables" + (f" of shard {number}" if settings.shards > 1 else ""))
        urls.append(server.url)
    return urls


async def _prepare(settings: Settings) -> None:
    """Create or upgrade the tables of accounts, and in the data directory's own database the demo's accounts."""
    await prepare_database(settings)
    if has_demo_accounts(settings):
        await create_demo_accounts(settings)


async def _check_broker(settings: Settings) -> None:
    """Refuse a broker that is unreachable or unsuitable, or that holds another application, before anything starts."""
    async with log_of(settings):
        pass


def worker_command(settings: Settings, number: int, domains: Sequence[str], shard: int) -> tuple[str, Command]:
    """Return the name and the command of one worker process. The name lists the domains unless it runs all."""
    settings = settings.model_copy(update={"shard": shard})
    some = [] if set(domains) == set(TOPOLOGY.names) else domains
    options = [word for domain in some for word in ("--domain", domain)]
    name = f"worker {number}" + (f" ({', '.join(some)})" if some else "")
    return name, _command(settings, ["worker", *options], WORKER_GRACE_S)


def _command(settings: Settings, arguments: Sequence[str], grace_s: float) -> Command:
    """Return one of our own commands with exactly these settings."""
    return Command([sys.executable, "-P", "-m", "deploy.cli.main", *arguments], _environment(settings), grace_s)


def _environment(settings: Settings) -> Mapping[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("ASTRA_")}
    return {**inherited, **settings.environment()}


def _wait_until_ready(settings: Settings, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + READY_DEADLINE_S
    plan = expected_members(worker_plan(settings.workers))
    expected = {domain: count * settings.shard_count for domain, count in plan.items()}
    next_probe = 0.0
    missing: str | None = "the API does not answer"

    def ready() -> bool:
        nonlocal next_probe, missing
        now = time.monotonic()
        if now > deadline:
            raise DeployError(f"not ready within {READY_DEADLINE_S:.0f} s: {missing}")
        if now < next_probe:
            return False
        next_probe = now + READY_POLL_S
        if api_answers(api_url(settings)):
            missing = missing_for_readiness(settings, expected)
        return missing is None

    supervisor.run(until=ready)


def api_answers(url: str) -> bool:
    """Return whether the API at a URL answers."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PROBE_TIMEOUT_S)
    with closing(connection):
        try:
            connection.request("GET", READY_PATH)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _announce(settings: Settings, console: Console, seconds: float, token_command: str) -> None:
    """Print where everything is. The tokens themselves would be readable in the output of this process."""
    here = api_url(settings)
    console.print(f"\n[bold green]AstraTrade is up[/] after {seconds:.1f} s. Ctrl-C stops it.\n")
    console.print(f"  dashboard   {here}/")
    console.print(f"  API         {here}/docs")
    for url in split_urls(str(settings.broker_url)):
        console.print(f"  broker      {without_password(url)}")
    if settings.on_kafka:
        console.print(f"  views       {without_password(str(settings.views_url))}")
    console.print(f"  data        {settings.data_dir}")
    if has_demo_accounts(settings):
        console.print(f"  accounts    {', '.join(PEOPLE)}")
        console.print(f"  password    in {password_file(settings)}", markup=False)
        console.print(f"  sign in     {sign_in_command(settings, here)}", markup=False)
    for name, arguments in (("user token", f"--user {DEV_USER}"), ("venue token", f"--user {DEV_VENUE} --role venue")):
        console.print(f"  {name:<12}{token_command} {arguments}", markup=False)
    console.print()
