"""Run what operators look at on a real Prometheus: `python -m tests.observe`.

    python -m tests.observe                  every panel of every dashboard has data after the sample
    python -m tests.observe --break          break things one after the other, and see each alert arrive
    python -m tests.observe --break NAME     one of them

Needs Prometheus and Alertmanager on PATH: Debian's packages prometheus and prometheus-alertmanager. The chain's part
needs starknet-devnet, which `python -m tests.chain` provides, and is left out without it.
"""

# ruff: noqa: T201 - its purpose is to print

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from tests.observe import promtool
from tests.observe.breakage import BREAKAGES, Breakage, settings
from tests.observe.chain import ObservedChain, observed_chain
from tests.observe.installation import Installation
from tests.observe.lint import RATE_INTERVAL, queries
from tests.observe.monitoring import MissingError, Monitoring, until
from tests.support.devnet import find_devnet

PACE: Final = 60
FILLED_S: Final = 60.0
SETTLE_S: Final = 10.0
ALERT_S: Final = 120.0
ALL: Final = "all"
NEEDS_ROOT: Final = "full-disk"
NEED_CHAIN: Final = ("chain-node", "chain-reorg", "forged-fee")
CHAIN_BOARD: Final = "chain.json"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(prog="python -m tests.observe", description="Run the monitoring for real.")
    parse.add_argument(
        "--break",
        dest="broken",
        nargs="?",
        const=ALL,
        choices=(ALL, *BREAKAGES),
        help="break things, and see each alert",
    )
    return parse


def fill_panels(directory: Path) -> int:
    """Use an installation; return how many queries of the dashboards have no data."""
    promtool.check_rules()
    for test in promtool.FAST, promtool.SLOW:
        promtool.run_unit_tests(test, directory / test.stem)
    print("promtool: the rules and their unit tests pass", flush=True)
    with observed_chain(directory / "chain") as chain, Installation(directory, chain=chain) as installed:
        installed.start_all()
        began_s = time.time()
        with Monitoring(directory / "monitoring", installed.targets, PACE) as monitoring:
            installed.run("replay", "sample", "--marks")
            with installed.used():
                time.sleep(SETTLE_S)
                if chain:
                    befall(chain)
                asked = of_boards(chain)
                empty = dict(asked)

                def still_empty() -> bool:
                    for place, expr in list(empty.items()):
                        if monitoring.has_data(expr.replace(RATE_INTERVAL, "5s"), began_s):
                            del empty[place]
                    return not empty

                try:
                    until(still_empty, FILLED_S, "every panel has data")
                except AssertionError:
                    print("no data:", *empty.items(), sep="\n  ")
            print(f"{len(asked) - len(empty)} of {len(asked)} queries have data")
            print(f"alerts: {sorted(monitoring.firing()) or 'none'}")
            for child in installed.processes.values():
                assert child.exit_code is None, child.last_words()
    return len(empty)


def befall(chain: ObservedChain) -> None:
    """Let a batch become final, and replace the blocks of another one."""
    chain.become_final()
    chain.wait_for_batch()
    chain.replace_blocks()


def of_boards(chain: ObservedChain | None) -> dict[str, str]:
    """Return the queries of the dashboards by their places; without a chain all but the chain's."""
    if chain:
        return dict(queries())
    print("the dashboard of the chain is left out: starknet-devnet was not found")
    return {place: expr for place, expr in queries() if not place.startswith(CHAIN_BOARD)}


def break_things(directory: Path, names: Sequence[str]) -> None:
    """Break an installation in each way, see the alerts arrive, mend it, and see them end."""
    small_disk = os.geteuid() == 0
    with (
        observed_chain(directory / "chain") as chain,
        Installation(directory, small_disk=small_disk, chain=chain, **settings(directory)) as installed,
    ):
        installed.start_all()
        with Monitoring(directory / "monitoring", installed.targets, PACE) as monitoring, installed.used():
            time.sleep(SETTLE_S)  # a rate needs an earlier value
            for name in names:
                until(lambda: not pages(monitoring), ALERT_S, f"no page before {name}: {pages(monitoring)}")
                see(BREAKAGES[name], installed, monitoring)


def pages(monitoring: Monitoring) -> set[str]:
    """Return the alerts that fire, without those on long windows, which end later than what raised them."""
    return {name for name in monitoring.firing() if not name.endswith(("SteadyBurn", "SlowBurn"))}


def see(breakage: Breakage, installed: Installation, monitoring: Monitoring) -> None:
    """Break, wait for each alert at the receiver, mend, and wait until they end."""
    print(f"{breakage.says}:", flush=True)
    monitoring.receiver.alerts.clear()
    breakage.does(installed)
    began_s = time.monotonic()
    for alert in breakage.alerts:
        until(partial(_fires, monitoring, alert), ALERT_S, f"{alert} fires")
        fired_s = time.monotonic() - began_s
        until(partial(monitoring.receiver.has, alert, "firing"), ALERT_S, f"{alert} arrives")
        arrived_s = time.monotonic() - began_s
        print(f"  {alert:<24} fires after {fired_s:5.1f} s, arrives after {arrived_s:5.1f} s", flush=True)
    breakage.mends(installed)
    mended_s = time.monotonic()
    until(lambda: not pages(monitoring) & {*breakage.alerts}, ALERT_S, "the alerts end")
    print(f"  mended; no alert after {time.monotonic() - mended_s:.1f} s", flush=True)


def _fires(monitoring: Monitoring, alert: str) -> bool:
    return alert in monitoring.firing()


def chosen(name: str) -> list[str]:
    """Return the ways to break that a name means. Say which cannot run here."""
    found = list(BREAKAGES) if name == ALL else [name]
    if os.geteuid() != 0 and NEEDS_ROOT in found:
        print(f"{NEEDS_ROOT} is left out: only root can give the broker a small disk")
        found.remove(NEEDS_ROOT)
    if find_devnet() is None and not {*found}.isdisjoint(NEED_CHAIN):
        print(f"{', '.join(NEED_CHAIN)} are left out: starknet-devnet was not found")
        found = [each for each in found if each not in NEED_CHAIN]
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run; return the exit status."""
    arguments = parser().parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="astra-observe-") as directory:
            if arguments.broken is None:
                return 1 if fill_panels(Path(directory)) else 0
            break_things(Path(directory), chosen(arguments.broken))
            return 0
    except MissingError as exc:
        print(exc)
        return 2


if __name__ == "__main__":
    sys.exit(main())
