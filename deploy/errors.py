"""Errors of running the project: each is one sentence or two for the person at the command line."""

from __future__ import annotations


class DeployError(Exception):
    """Something about the set-up is wrong; the message says what was expected, what came, and what to do."""


class SettingsError(DeployError):
    """A setting is unknown or has a value that is not accepted."""


class BrokerError(DeployError):
    """The embedded broker cannot be found, started or reached."""


class LockedError(DeployError):
    """Another process holds what is wanted."""
