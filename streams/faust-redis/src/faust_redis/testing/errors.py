"""Define the errors of the testing kit. Each message names the remedy."""

from __future__ import annotations


class TestingError(Exception):
    """Base of the testing kit's errors."""

    __test__ = False


class AlreadyStartedError(TestingError):
    """The app runs already: under a worker, or under another test driver."""


class NotSettledError(TestingError):
    """The app still has work to do after a long virtual time."""


class SimulationError(TestingError):
    """A simulated world cannot be played, or does not come to rest."""


class AppCrashedError(TestingError):
    """The app, or a task in it, ended with an error."""


class InvariantError(TestingError):
    """A simulated world broke a promise of the library. The cause is a defect of the library, not of the app."""
