"""Errors of set-up and operation. Each message is one or two sentences for the person at the command line."""

from __future__ import annotations


class DeployError(Exception):
    """The set-up is wrong. The message says what was expected, what was found, and what to do."""


class SettingsError(DeployError):
    """A setting is unknown or has a value that is not accepted."""


class BrokerError(DeployError):
    """The embedded broker cannot be found, started or reached."""


class LockedError(DeployError):
    """Another process holds the lock."""
