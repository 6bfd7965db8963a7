"""Errors of the sink that an operator has to repair."""

from __future__ import annotations


class SinkError(Exception):
    """Log, contracts and settings do not belong together. The sink stops."""
