"""A reader's feed ends with the permit when the reader sees more than the public, and else goes on anonymously."""

from __future__ import annotations

from typing import cast

import pytest

from api.auth import EXPIRED, Principal, Role, Tokens, unauthenticated
from api.kit.audience import Audience
from api.kit.feeds.permit import Lapse, Permit
from streams.times import Instant


class Private(set[str]):
    """A set of private users."""

    version = 0


class OneToken:
    """Accepts every token until the time 10."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    def caller(self, _token: str, at: Instant) -> Principal:
        if at > 10:
            raise unauthenticated(EXPIRED)
        return self._principal


def audience(name: str, role: Role = Role.USER) -> Audience:
    tokens = cast("Tokens", OneToken(Principal(name, role)))
    return Audience(Private({"bob"}), Permit(tokens, "", Instant(0)))


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
