"""Property tests have no deadline: a shared machine may be slow for a moment, and that is no failure."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
