"""How long records are kept where a declaration does not say."""

from __future__ import annotations

RETENTION_MS = 7 * 24 * 3_600_000
"""Of a topic's records, once every group has processed them."""

TAIL_MS = 3_600_000
"""Of a changelog's records beside its snapshot: members that come back, standbys and feeds read them."""
