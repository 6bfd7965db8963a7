"""Command line: `python -m tests.community --users 200 --days 10`."""

# ruff: noqa: T201 - its purpose is to print

import argparse
import sys
from pathlib import Path

from tests.community.behaviour.life import Plan
from tests.community.run import SHOWN_MAX, Options, run
from tests.community.servers.faults import CHANCE, CROWD_CHANCE
from tests.community.without_servers import live_without_servers

EPILOG = """\
examples:
  python -m tests.community --users 200 --days 10
  python -m tests.community --users 2000 --days 60 --faults --twice --replay --check-why 100 --check-at 100
  python -m tests.community --users 2000 --days 60 --without-servers
  python -m tests.community --users 60 --days 6 --resize 12 --faults
  python -m tests.community --crowded --users 60 --days 20 --activity 0.5 --faults

The people act from the seed. Ids come from the gateway, so that two runs of one seed differ in ids and in what follows
from their order. Exit status: 0 when every row is equal, 1 otherwise.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(
        prog="python -m tests.community",
        description="Let a simulated community live on real processes, and compare every row with an oracle.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parse.add_argument("--users", type=int, default=100, metavar="N", help="how many people (default: 100)")
    parse.add_argument("--days", type=int, default=7, metavar="N", help="how many simulated days (default: 7)")
    parse.add_argument("--seed", type=int, default=1, metavar="N", help="the seed (default: 1)")
    parse.add_argument(
        "--activity", type=float, default=0.1, metavar="P", help="mean chance to act in a round (default: 0.1)"
    )
    parse.add_argument(
        "--crowded", action="store_true", help="let people compete, and check the invariants instead of the oracle"
    )
    parse.add_argument("--faults", action="store_true", help="kill and pause services, gateway and relay")
    parse.add_argument("--twice", action="store_true", help="play the journal again, in one process for all domains")
    parse.add_argument("--replay", action="store_true", help="copy the log's inputs into an empty installation")
    parse.add_argument("--check-why", type=int, default=0, metavar="N", help="compare the causes of N rows")
    parse.add_argument("--check-at", type=int, default=0, metavar="N", help="compare N rows at earlier positions")
    parse.add_argument("--together", action="store_true", help="one worker process for all domains")
    parse.add_argument(
        "--without-servers", action="store_true", help="play to the rules in dictionaries, in a random order of domains"
    )
    parse.add_argument(
        "--shards", type=int, default=1, metavar="N", help="brokers that share the partitions (default: 1)"
    )
    parse.add_argument(
        "--resize", type=int, default=0, metavar="N", help="give the topics N partitions after half of the days"
    )
    parse.add_argument("--keep", type=Path, metavar="DIR", help="write the journal there")
    return parse


def main(argv: list[str] | None = None) -> int:
    """Run, and report."""
    args = parser().parse_args(argv)
    if args.crowded and (args.twice or args.replay or args.check_why or args.check_at):
        parser().error("--crowded takes no --twice, --replay, --check-why or --check-at: its rows depend on scheduling")
    if args.resize and (args.twice or args.replay or args.check_at):
        parser().error("--resize takes no --twice, --replay or --check-at: they expect one number of partitions")
    plan = Plan(users=args.users, days=args.days, seed=args.seed, activity=args.activity, crowded=args.crowded)
    if args.without_servers:
        if args.crowded or args.faults or args.twice or args.replay or args.check_why or args.check_at:
            parser().error("--without-servers takes only --users, --days, --seed and --activity")
        return live_without_servers(plan, lambda line: print(line, flush=True))
    options = Options(
        plan=plan,
        faults=(CROWD_CHANCE if args.crowded else CHANCE) if args.faults else 0.0,
        twice=args.twice,
        replay=args.replay,
        why=args.check_why,
        at=args.check_at,
        together=args.together,
        shards=args.shards,
        resize=args.resize,
        keep=args.keep,
    )
    outcome = run(options, lambda line: print(line, flush=True))
    for name, value in outcome.figures.items():
        print(f"{name:<32}{value:>16,}")
    for kind, times in sorted(outcome.faults.items()):
        print(f"{kind:<32}{times:>16,}")
    if not outcome.failures:
        print("nothing is broken" if args.crowded else "equal")
        return 0
    print("\n".join(outcome.failures[:SHOWN_MAX]))
    print(f"{len(outcome.failures)} {'breaches' if args.crowded else 'differences'}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
