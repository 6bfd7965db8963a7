"""The gateway process of the community: the product's API with the simulated clock in place of the wall clock.

`api.kit.clock` is the one module of the API that reads the wall clock. This program replaces its `now` before any other
module of the product is imported, and then serves as `astratrade api` does.
"""

from __future__ import annotations

import os
from pathlib import Path

from api.kit import clock
from streams.times import Instant
from tests.community.servers.simulated_clock import VARIABLE, SimulatedClock


def main() -> None:
    """Serve until a signal."""
    simulated = SimulatedClock(Path(os.environ[VARIABLE]))
    clock.now = lambda: Instant(simulated.now())
    from deploy.run import logs
    from deploy.run.api import serve
    from deploy.settings import load

    settings = load()
    logs.configure(settings, "api")
    serve(settings)


if __name__ == "__main__":
    main()
