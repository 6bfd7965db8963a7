"""`astratrade` with an error planted in the gamification domain: `python -m tests.e2e.planted KIND COMMAND …`.

Facts of the users in VICTIMS trigger the error. No other domain has it.
"""

import sys
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from faust_redis.driver.state.stores import StoreFailedError

from agents.gamification.domain import Gamification
from deploy.cli.main import main
from streams.events import AnyEvent

VICTIMS = ("player-003", "player-011")


def _bug() -> NoReturn:
    raise ZeroDivisionError("planted")


def _stall() -> None:
    """Block the event loop of the domain for good."""
    while True:
        time.sleep(3_600)


def _crash() -> NoReturn:
    """Fail as a full disk does: the app ends."""
    raise StoreFailedError("planted")


KINDS: dict[str, Callable[[], None]] = {"bug": _bug, "stall": _stall, "crash": _crash}


def plant(error: Callable[[], None]) -> None:
    handle = Gamification.traded_together

    def traded_together(self: Gamification, events: Sequence[AnyEvent]) -> list[AnyEvent]:
        if any(event.partitionkey in VICTIMS for event in events):
            error()
        return handle(self, events)

    Gamification.traded_together = traded_together  # type: ignore[method-assign]


if __name__ == "__main__":
    plant(KINDS[sys.argv.pop(1)])
    main()
