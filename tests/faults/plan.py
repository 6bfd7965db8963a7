"""The script of one run, drawn from its seed: faults, victims, moments and durations. Pure functions.

A moment is a share of the run (0 to 1), not a time of day. A fault of the API counts fills posted, any other counts
fills committed, and the long form counts the planned minutes. So a script means the same on a slow machine.
"""

import random
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

SLOTS = ("w1", "w2", "w3", "w4")
FIRST_WORKERS = 3
WORKERS_A_SHARD = 2
"""How many slots each shard has when there are several; all of them run at first, and one always."""
WORKERS_MIN, WORKERS_MAX = 2, len(SLOTS)
API, SERVER = "api", "server"

LAST_MOMENT = 0.9
"""Work is left when the last fault comes, so that it hits something."""

TOGETHER = 0.3
"""How often a fault comes at the moment of the one before."""

WIPED = 0.35
"""How often a killed worker loses its data directory, too."""


class Kind(StrEnum):
    """A kind of fault.

    Its `seconds` say how long the victim is down, paused or out of reach.
    """

    KILL = "kill"
    TERM = "term"
    PAUSE = "pause"
    CUT = "cut"
    CUT_REPLY = "cut-reply"
    STALL = "stall"
    ADD = "add"
    REMOVE = "remove"


SHORT_S, LONG_S = (0.1, 1.0), (1.8, 3.5)
"""Ranges below and above the lease (1.5 s)."""

NONE_S = (0.0, 0.0)
ON_WORKER = (
    Kind.KILL,
    Kind.KILL,
    Kind.TERM,
    Kind.PAUSE,
    Kind.PAUSE,
    Kind.CUT,
    Kind.CUT_REPLY,
    Kind.CUT_REPLY,
    Kind.STALL,
)
ON_API = (Kind.KILL, Kind.CUT, Kind.CUT_REPLY, Kind.CUT_REPLY, Kind.STALL)
ON_SERVER = (Kind.KILL, Kind.KILL, Kind.PAUSE)
VICTIMS = ("worker", "worker", "worker", "worker", "worker", API, API, SERVER, "group")
LASTING = {
    Kind.KILL: (SHORT_S,),
    Kind.TERM: (SHORT_S,),
    Kind.PAUSE: (SHORT_S, LONG_S),
    Kind.CUT: (NONE_S,),
    Kind.CUT_REPLY: (SHORT_S,),
    Kind.STALL: (SHORT_S, LONG_S),
    Kind.ADD: (NONE_S,),
    Kind.REMOVE: (NONE_S,),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the script."""

    at: float
    kind: Kind
    victim: str
    seconds: float = 0.0
    wipe: bool = False

    @property
    def by_posted(self) -> bool:
        """Return whether the moment is a share of the fills posted rather than of those committed."""
        return self.victim == API

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.2f} s" if self.seconds else ""
        return f"{self.at:.0%} {self.kind} {self.victim}{lasting}{' and its data' if self.wipe else ''}"


def server_name(shard: int) -> str:
    """Return the name of the broker of a shard."""
    return f"{SERVER}-{shard}" if shard else SERVER


def shard_of_server(name: str) -> int:
    """Return the shard of a broker by its name."""
    return int(name.partition("-")[2] or 0)


def shard_of_slot(slot: str, shards: int) -> int:
    """Return the shard that a worker serves."""
    return (int(slot[1:]) - 1) % shards


def slots(shards: int) -> tuple[str, ...]:
    """Return the names of all slots of workers."""
    return SLOTS if shards == 1 else tuple(f"w{n}" for n in range(1, shards * WORKERS_A_SHARD + 1))


def first_slots(shards: int) -> tuple[str, ...]:
    """Return the slots whose workers run at first."""
    return SLOTS[:FIRST_WORKERS] if shards == 1 else slots(shards)


def plan(seed: int, faults: int, shards: int = 1) -> tuple[Fault, ...]:
    """Return the script of a seed, in the order of its moments."""
    chance = random.Random(f"faults {seed}" if shards == 1 else f"faults {seed} on {shards}")
    moments = _moments(chance, faults)
    running = list(first_slots(shards))
    return tuple(_fault(chance, moment, running, shards) for moment in moments)


def _moments(chance: random.Random, faults: int) -> list[float]:
    alone = sorted(chance.uniform(0.0, LAST_MOMENT) for _ in range(faults))
    return [alone[n - 1] if n and chance.random() < TOGETHER else at for n, at in enumerate(alone)]


def _fault(chance: random.Random, at: float, running: list[str], shards: int) -> Fault:
    """Draw one fault; `running` lists the workers that should live, and follows additions and removals."""
    where = chance.choice(VICTIMS)
    if where == "group":
        return _resized(chance, at, running, shards)
    victim = chance.choice(running) if where == "worker" else where
    if where == SERVER and shards > 1:
        victim = server_name(chance.randrange(shards))
    kind = chance.choice({API: ON_API, SERVER: ON_SERVER}.get(where, ON_WORKER))
    wipe = kind is Kind.KILL and where == "worker" and chance.random() < WIPED
    return Fault(at, kind, victim, _seconds(chance, kind), wipe)


def _resized(chance: random.Random, at: float, running: list[str], shards: int) -> Fault:
    absent = [slot for slot in slots(shards) if slot not in running]
    spare = running if shards == 1 and len(running) > WORKERS_MIN else []
    if shards > 1:
        served = Counter(shard_of_slot(slot, shards) for slot in running)
        spare = [slot for slot in running if served[shard_of_slot(slot, shards)] > 1]
    if absent and (not spare or chance.random() < 0.5):
        added = absent[0]
        running.append(added)
        return Fault(at, Kind.ADD, added)
    removed = chance.choice(spare)
    running.remove(removed)
    return Fault(at, Kind.REMOVE, removed)


def _seconds(chance: random.Random, kind: Kind) -> float:
    low, high = chance.choice(LASTING[kind])
    return round(chance.uniform(low, high), 2)
