"""The ends of listings, found at a tick without a look at what ends later.

Rows are grouped by hour. One row names the first hour that may hold any, so that a tick reads the hours from there to
the present one.
"""

from __future__ import annotations

from streams.times import HOUR_US
from tables.keys import SEPARATOR
from tables.nft import CLOCK_KEY, NFT_CLOCK, NFT_ENDS, Clock, Listing, ListingEnd
from tables.unit_of_work import UnitOfWork


class Ends:
    """When the listings of a partition end."""

    def __init__(self, tables: UnitOfWork) -> None:
        self.rows = tables.rows(NFT_ENDS)
        self._clock = tables.rows(NFT_CLOCK)

    def add(self, token_id: str, listing: Listing) -> None:
        """Remember when a listing ends."""
        end = ListingEnd(token_id=token_id, listing_id=listing.listing_id, at=listing.ends_at)
        self.rows.put(_key(token_id, listing), end)
        clock, hour = self._clock.get(CLOCK_KEY), listing.ends_at // HOUR_US
        if clock is None or hour < clock.hour:
            self._clock.put(CLOCK_KEY, Clock(hour=hour))

    def remove(self, token_id: str, listing: Listing) -> None:
        """Forget a listing."""
        self.rows.delete(_key(token_id, listing))

    def take(self, now: int) -> list[ListingEnd]:
        """Remove and return what ends by now, the earliest first."""
        clock, hour = self._clock.get(CLOCK_KEY), now // HOUR_US
        if clock is None or clock.hour > hour:
            return []
        hours = range(clock.hour, hour + 1)
        due = [(key, end) for each in hours for key, end in self.rows.prefix(_hour(each)) if end.at <= now]
        for key, _ in due:
            self.rows.delete(key)
        if clock.hour < hour:
            self._clock.put(CLOCK_KEY, Clock(hour=hour))
        return [end for _, end in due]


def _hour(hour: int) -> str:
    return f"{hour}{SEPARATOR}"


def _key(token_id: str, listing: Listing) -> str:
    return f"{_hour(listing.ends_at // HOUR_US)}{listing.ends_at:019d}{SEPARATOR}{token_id}"
