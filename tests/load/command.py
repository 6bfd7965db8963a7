"""The options of the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.load.options import Mix, Options
from tests.load.variants import VARIANTS

EPILOG = """\
examples:
  python -m tests.load --out build/load
  python -m tests.load --variant services --first 100 --growth 1.3 --users 4000

Exit status: 0 when nothing that was accepted is lost and all rows equal the oracle's; 1 otherwise. A broken SLO is what
the ramp looks for, and no failure.
"""
DEFAULTS = Options()


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parse = argparse.ArgumentParser(
        prog="python -m tests.load",
        description="Load the whole product at rising rates until an SLO breaks, and name what held it back.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parse.add_argument
    add("--variant", action="append", choices=[*VARIANTS], help="may be repeated (default: all)")
    add("--out", type=Path, default=DEFAULTS.out, metavar="DIR", help="where the report goes (default: %(default)s)")
    add("--users", type=int, default=DEFAULTS.users, metavar="N", help="people (default: %(default)s)")
    add("--first", type=float, default=DEFAULTS.first, metavar="R", help="requests/s of the first step (%(default)s)")
    add("--growth", type=float, default=DEFAULTS.growth, metavar="F", help="from step to step (default: %(default)s)")
    add("--steps", type=int, default=DEFAULTS.steps, metavar="N", help="the most steps of the ramp (%(default)s)")
    add("--halvings", type=int, default=DEFAULTS.halvings, metavar="N", help="steps after the ramp (%(default)s)")
    add("--seconds", type=float, default=DEFAULTS.seconds, metavar="S", help="length of a step (default: %(default)s)")
    add("--warm-up", type=int, default=DEFAULTS.warm_up, metavar="N", help="rounds before the ramp (%(default)s)")
    add("--seed", type=int, default=DEFAULTS.seed, metavar="N", help="the seed (default: %(default)s)")
    add("--arrivals", choices=("poisson", "constant"), default=DEFAULTS.arrivals, help="(default: %(default)s)")
    add("--generators", type=int, default=DEFAULTS.generators, metavar="N", help="processes that send (%(default)s)")
    add("--streams", type=int, default=DEFAULTS.streams, metavar="N", help="subscribers by server-sent events")
    add("--sockets", type=int, default=DEFAULTS.sockets, metavar="N", help="subscribers over WebSockets")
    add("--reads", type=float, default=DEFAULTS.mix.reads, metavar="P", help="share of reads (default: %(default)s)")
    add("--batches", type=float, default=DEFAULTS.mix.batches, metavar="P", help="share of batches (%(default)s)")
    add("--fills", type=int, default=DEFAULTS.mix.fills, metavar="N", help="fills of a batch (default: %(default)s)")
    add("--no-profile", dest="profile", action="store_false", help="leave the step under the profiler out")
    add("--raw", action="store_true", help="also write every request of each step")
    return parse


def options_of(args: argparse.Namespace) -> Options:
    """Return the options of parsed arguments. Without a variant, all are chosen."""
    if args.variant is None:
        args.variant = [*VARIANTS]
    if not 0 <= args.reads + args.batches < 1:
        parser().error("reads and batches must leave a share for commands")
    own = {name: value for name, value in vars(args).items() if name in Options.__dataclass_fields__}
    return Options(**own, mix=Mix(reads=args.reads, batches=args.batches, fills=args.fills))
