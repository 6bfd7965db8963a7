"""Errors for operators. Each message is one line that says what to do. This module imports nothing."""

from __future__ import annotations


class IdentityError(Exception):
    """Signing keys or accounts cannot be used or changed as was asked."""


class NoSigningKeyError(IdentityError):
    """No key of the ring may sign now."""


class WrongSecretError(IdentityError):
    """The secret is not the one that sealed a key, or the sealed key was changed."""


class KeyChangeError(IdentityError):
    """A change of the signing keys is refused. The message says why."""
