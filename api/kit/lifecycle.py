"""Whether the process is shutting down. Set by the server, read by the readiness probe."""

from __future__ import annotations


class Lifecycle:
    """The state of one API process.

    Attributes:
        stopping: True from the moment when the process was asked to end.
    """

    def __init__(self) -> None:
        self.stopping = False
