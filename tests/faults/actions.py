"""How each fault is carried out: a generator that the main loop resumes at every tick and that ends with the fault."""

import random
import signal
import time
from collections.abc import Callable, Iterator

from tests.faults.cluster import Cluster
from tests.faults.plan import SERVER, Fault, Kind, shard_of_server

Action = Iterator[None]

TERM_S = 30.0
"""How long a worker that was asked to stop may take, on a busy machine, with its broker away for some of it."""

SERVER_READY_S = 60.0
TURN_S = 120.0


def act(cluster: Cluster, fault: Fault, chance: random.Random) -> Action:
    """Return the generator of a fault.

    A fault that starts or ends a process waits for its turn at that victim. A fault that disturbs a running process is
    skipped when there is none, and the story says so.
    """
    if fault.kind in TAKING_TURNS or fault.victim.startswith(SERVER):
        return _in_turn(cluster, fault)
    return _disturb(cluster, fault, chance)


def _disturb(cluster: Cluster, fault: Fault, chance: random.Random) -> Action:
    if fault.victim not in cluster.live:
        cluster.say(f"{fault}: skipped, the victim is down")
    elif fault.kind is Kind.CUT_REPLY:
        yield from cut_reply(cluster, fault, chance)
    else:
        yield from DISTURBING[fault.kind](cluster, fault)


def _in_turn(cluster: Cluster, fault: Fault) -> Action:
    yield from until(lambda: fault.victim not in cluster.busy, TURN_S, f"{fault} has its turn")
    cluster.busy.add(fault.victim)
    cluster.say(str(fault))
    carry_out = ON_SERVER if fault.victim.startswith(SERVER) else TAKING_TURNS
    yield from carry_out[fault.kind](cluster, fault)
    cluster.busy.discard(fault.victim)


def wait(seconds: float) -> Action:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield


def until(condition: Callable[[], bool], within_s: float, what: str) -> Action:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        yield


def kill(cluster: Cluster, fault: Fault) -> Action:
    cluster.kill(fault.victim)
    yield from wait(fault.seconds)
    if fault.wipe:
        cluster.wipe(fault.victim)
    cluster.start(fault.victim)
    cluster.say(f"{fault.victim} is started again")


def term(cluster: Cluster, fault: Fault) -> Action:
    yield from remove(cluster, fault)
    yield from wait(fault.seconds)
    cluster.start(fault.victim)
    cluster.say(f"{fault.victim} is started again")


def remove(cluster: Cluster, fault: Fault) -> Action:
    """Remove a worker as planned. A process without output is still importing, and has no signal handler yet."""
    child = cluster.ask(fault.victim)
    yield from until(lambda: child.exit_code is not None, TERM_S, f"{fault.victim}, asked to stop, ends")
    in_order = child.exit_code == 0 or (child.exit_code == -signal.SIGTERM and not child.output())
    assert in_order, f"{fault.victim}, asked to stop, ended with {child.exit_code}:\n{child.last_words()}"
    cluster.say(f"{fault.victim} has stopped")


def add(cluster: Cluster, fault: Fault) -> Action:
    cluster.start(fault.victim)
    yield


def pause(cluster: Cluster, fault: Fault) -> Action:
    cluster.say(str(fault))
    child = cluster.live[fault.victim]
    child.pause()
    yield from wait(fault.seconds)
    child.resume()
    cluster.say(f"{fault.victim} resumes")


def cut_off(cluster: Cluster, fault: Fault) -> Action:
    cluster.say(f"{fault}: {cluster.link(fault.victim).cut()} connections")
    yield


def cut_reply(cluster: Cluster, fault: Fault, chance: random.Random) -> Action:
    link = cluster.link(fault.victim)
    before = link.torn
    cluster.say(f"{fault}: {link.cut_in_reply(chance)} connections")
    yield from wait(fault.seconds)
    cluster.say(f"{fault.victim} has lost {link.spare() - before} replies")


def stall(cluster: Cluster, fault: Fault) -> Action:
    cluster.say(str(fault))
    link = cluster.link(fault.victim)
    link.stall()
    yield from wait(fault.seconds)
    link.flow()
    cluster.say(f"the link of {fault.victim} flows again")


def kill_server(cluster: Cluster, fault: Fault) -> Action:
    shard = shard_of_server(fault.victim)
    cluster.pipeline.kill_server(shard)
    yield from wait(fault.seconds)
    server = cluster.pipeline.servers[shard]
    server.launch()
    yield from until(server.ready, SERVER_READY_S, "the server is back")
    cluster.say("the server is back")


def pause_server(cluster: Cluster, fault: Fault) -> Action:
    shard = shard_of_server(fault.victim)
    cluster.signal_server(shard, signal.SIGSTOP)
    yield from wait(fault.seconds)
    cluster.signal_server(shard, signal.SIGCONT)
    cluster.say("the server resumes")


TAKING_TURNS = {Kind.KILL: kill, Kind.TERM: term, Kind.REMOVE: remove, Kind.ADD: add}
DISTURBING = {Kind.PAUSE: pause, Kind.CUT: cut_off, Kind.STALL: stall}
ON_SERVER = {Kind.KILL: kill_server, Kind.PAUSE: pause_server}
