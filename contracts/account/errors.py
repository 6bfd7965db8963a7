"""Errors of accounts that an operator has to repair."""

from __future__ import annotations


class SignerError(Exception):
    """The key of an account cannot be used."""
