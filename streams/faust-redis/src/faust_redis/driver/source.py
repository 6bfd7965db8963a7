"""The name of an event."""

from __future__ import annotations

from faust.types import TP

Source = tuple[TP, int]
"""An event, named by its partition and offset."""
