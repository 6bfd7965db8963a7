"""A reader's feed ends with the permit when the reader sees more than the public, and else goes on anonymously."""

from __future__ import annotations

import pytest

from api.auth import EXPIRED, Principal, Role, unauthenticated
from api.kit.audience import Audience
from api.kit.feeds.permit import Lapse, Permit
from api.permissions import Scope
from streams.times import Instant


class Private(set[str]):
    """A set of private users."""

    version = 0


class OneToken:
    """Accepts every token until the time 10."""

    def recheck(self, _credential: str, _caller: Principal, at: Instant) -> None:
        if at > 10:
            raise unauthenticated(EXPIRED)


class OneChild:
    """Knows of one sub-account."""

    def of(self, account_id: str) -> str | None:
        return "bob" if account_id == "bob's" else None


def audience(name: str, role: Role = Role.USER, scopes: frozenset[str] | None = None) -> Audience:
    caller = Principal(name, role, scopes=scopes)
    return Audience(Private({"bob", "bob's"}), OneChild(), Permit(OneToken(), "", caller))


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


@pytest.mark.parametrize(
    ("role", "scope"),
    [(Role.SERVICE, Scope.PRICES_WRITE), (Role.MODERATOR, Scope.ACCOUNT), (Role.USER, Scope.TRADE)],
)
def test_a_key_that_may_not_read_private_data_reads_as_an_anonymous_caller(role: Role, scope: Scope) -> None:
    reader, reading = [audience("bob", role, frozenset(scopes)) for scopes in ([scope], [scope, Scope.READ_PRIVATE])]
    assert (reader.viewer, reader.is_staff, reader.hides("bob"), reader.knows("ada")) == (None, False, True, False)
    assert reader.lapsed(Instant(11)) is None
    assert not reading.hides("bob")


def test_a_user_sees_the_own_sub_accounts_and_a_sub_account_sees_itself_alone() -> None:
    assert not audience("bob").hides("bob's")
    assert audience("ada").hides("bob's")
    child = audience("bob's")
    assert (child.hides("bob's"), child.hides("bob")) == (False, True)
