"""The declaration of the social domain, which joins those of its parts."""

from __future__ import annotations

from typing import Final

from streams.topology import Domain, TableSpec, joined
from tables import social_constellations, social_people
from tables.row import Row

_PARTS: Final = (social_people.PEOPLE, social_constellations.CONSTELLATIONS)
_CONSUMED: Final = joined(*_PARTS).consumes

SOCIAL_PROCESSED: Final[TableSpec[Row]] = TableSpec("social-processed", None, _CONSUMED, only_at_least_once=True)

DOMAIN: Final = joined(Domain(name="social", consumes=_CONSUMED, tables=(SOCIAL_PROCESSED,)), *_PARTS)
