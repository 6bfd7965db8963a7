"""Limits of identity that the settings state, too. This module imports nothing."""

from __future__ import annotations

from typing import Final

SECRET_BYTES_MIN: Final = 32
ACCESS_TTL_S: Final = 600
"""Life of an access token."""
ACCESS_TTL_S_MAX: Final = 86_400
"""The longest life of an access token: an operator's. A replaced signing key verifies for so long."""
LATE_COMMIT_US: Final = 30_000_000
"""The overlap of two polls. A transaction commits later than the time that it writes down, and clocks differ. So each
poll also reads rows whose time is up to this much before the last poll."""
