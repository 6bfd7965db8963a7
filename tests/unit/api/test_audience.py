"""A reader's feed ends with the permit when the reader sees more than the public, and else goes on anonymously."""

from __future__ import annotations

import pytest

from api.auth import EXPIRED, Principal, Role, unauthenticated
from api.kit.audience import Audience
from api.kit.feeds.permit import Lapse, Permit
from streams.times import Instant


class Private(set[str]):
    """A set of private users."""

    version = 0


class OneToken:
    """Accepts every token until the time 10."""

    def recheck(self, _credential: str, _caller: Principal, at: Instant) -> None:
        if at > 10:
            raise unauthenticated(EXPIRED)


def audience(name: str, role: Role = Role.USER) -> Audience:
    return Audience(Private({"bob"}), Permit(OneToken(), "", Principal(name, role)))


@pytest.mark.parametrize("reader", [audience("mod", Role.MODERATOR), audience("bob")], ids=["staff", "a private user"])
def test_the_feed_of_a_reader_who_sees_more_than_the_public_ends(reader: Audience) -> None:
    assert reader.lapsed(Instant(10)) is None
    assert reader.lapsed(Instant(11)) is Lapse.EXPIRED


def test_the_feed_of_another_reader_goes_on_without_the_rights_of_the_token() -> None:
    reader = audience("ada")
    assert reader.knows("ada")
    assert reader.lapsed(Instant(11)) is None
    assert not reader.knows("ada")
    assert reader.viewer is None
