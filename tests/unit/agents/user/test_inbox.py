"""Inboxes: the latest 200 notifications of a user, what is read, what is muted; and preferences."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.rulebook import packaged_rulebook
from agents.user.domain import User
from streams.events import AnyEvent, Event, EventData
from streams.events.notifications import KINDS, NotificationKind, Notified
from streams.events.user import (
    AccountClosed,
    AccountRegistered,
    ChangePreferences,
    PreferencesChanged,
    ReadNotifications,
    UserCommandRejected,
)
from streams.ids import uuid7
from streams.times import Instant
from tables.user import INBOX_NOTIFICATIONS_MAX


class Users:
    """The user domain over dictionaries."""

    def __init__(self) -> None:
        self.maps: dict[str, dict[bytes, bytes]] = {}
        self.user: Any = User(lambda spec: self.maps.setdefault(spec.name, {}), packaged_rulebook())
        self.sent = 0

    def send(self, data: EventData, user: str = "ada") -> list[AnyEvent]:
        self.sent += 1
        time = Instant(self.sent * 1_000_000)
        event_id = uuid7(self.sent, self.sent.to_bytes(10))
        found: list[AnyEvent] = self.user.handle(
            Event.first(data, event_id=event_id, time=time, key=user, rules_version=1)
        )
        return found

    def notify(self, kind: NotificationKind = "level_up", user: str = "ada") -> None:
        self.send(Notified(kind=kind, text=kind, arguments={}, cause_id="c"), user)

    def kept(self, user: str = "ada") -> list[Any]:
        rows = [row for _, row in self.user.inboxes.notifications.prefix(f"{user}|")]
        return sorted(rows, key=lambda row: row.number)

    def counts(self, user: str = "ada") -> tuple[int, int]:
        row = self.user.inboxes.inboxes.get(user)
        return (0, 0) if row is None else (row.received, row.unread)


@pytest.fixture
def users() -> Users:
    return Users()


def reasons(events: list[AnyEvent]) -> list[tuple[str, str]]:
    return [(e.data.reason, e.data.subject_id) for e in events if isinstance(e.data, UserCommandRejected)]


def test_the_latest_200_notifications_are_kept_and_older_ones_leave_the_unread_count(users: Users) -> None:
    for _ in range(INBOX_NOTIFICATIONS_MAX + 5):
        users.notify()
    assert [row.number for row in users.kept()] == list(range(6, INBOX_NOTIFICATIONS_MAX + 6))
    assert users.counts() == (INBOX_NOTIFICATIONS_MAX + 5, INBOX_NOTIFICATIONS_MAX)


def test_a_muted_kind_is_not_kept_and_others_are(users: Users) -> None:
    (changed,) = users.send(ChangePreferences(language="de", muted=("overtaken", "overtaken", "follow")))
    assert changed.data == PreferencesChanged(language="de", muted=("follow", "overtaken"))
    for kind in ("overtaken", "follow", "level_up"):
        users.notify(kind)
    assert [row.kind for row in users.kept()] == ["level_up"]
    users.notify("overtaken", "bob")
    assert [row.kind for row in users.kept("bob")] == ["overtaken"]


@pytest.mark.parametrize("muted", KINDS)
def test_each_kind_of_notification_is_muted_by_itself(users: Users, muted: NotificationKind) -> None:
    users.send(ChangePreferences(language="en", muted=(muted,)))
    for kind in KINDS:
        users.notify(kind)
    assert [row.kind for row in users.kept()] == [kind for kind in KINDS if kind != muted]


def test_named_notifications_are_read_and_an_unknown_one_is_rejected(users: Users) -> None:
    for _ in range(3):
        users.notify()
    second = users.kept()[1]
    events = users.send(ReadNotifications(notification_ids=(second.notification_id, "nothing")))
    assert reasons(events) == [("unknown_notification", "nothing")]
    assert [row.read for row in users.kept()] == [False, True, False]
    assert users.counts() == (3, 2)
    assert users.send(ReadNotifications(notification_ids=(second.notification_id,))) == []
    assert users.counts() == (3, 2)


def test_without_a_name_all_notifications_are_read_and_later_ones_are_not(users: Users) -> None:
    users.notify()
    users.notify("follow", "bob")
    assert users.send(ReadNotifications()) == []
    users.notify()
    assert [row.read for row in users.kept()] == [True, False]
    assert (users.counts(), users.counts("bob")) == ((2, 1), (1, 1))


def test_a_closed_account_keeps_nothing_and_gets_nothing(users: Users) -> None:
    users.send(AccountRegistered(user_id="ada", role="user", username="ada"))
    users.send(ChangePreferences(language="de"))
    users.notify()
    users.notify("follow", "bob")
    users.send(AccountClosed(user_id="ada"))
    users.notify()
    assert (users.kept(), users.counts()) == ([], (0, 0))
    assert users.user.inboxes.preferences.get("ada") is None
    for command in (ChangePreferences(language="en"), ReadNotifications()):
        assert reasons(users.send(command)) == [("account_closed", "")]
    assert len(users.kept("bob")) == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("nrRm"), st.sampled_from(["ada", "bob"]), st.integers(0, 300)), max_size=60))
def test_the_inbox_equals_the_last_notifications_whose_kind_was_not_muted(steps: Any) -> None:
    users = Users()
    model: dict[str, list[bool]] = {"ada": [], "bob": []}
    muted: dict[str, bool] = {"ada": False, "bob": False}
    for step, user, number in steps:
        rows: Any = model[user]
        match step:
            case "n":
                for _ in range(number % 90):
                    users.notify("follow", user)
                    if not muted[user]:
                        rows.append(False)
            case "r" if rows:
                kept = users.kept(user)
                chosen = number % len(kept)
                users.send(ReadNotifications(notification_ids=(kept[chosen].notification_id,)), user)
                rows[len(rows) - len(kept) + chosen] = True
            case "R":
                users.send(ReadNotifications(), user)
                rows[:] = [True] * len(rows)
            case "m":
                muted[user] = number % 2 == 1
                users.send(ChangePreferences(language="en", muted=("follow",) if muted[user] else ()), user)
        last = model[user][-INBOX_NOTIFICATIONS_MAX:]
        assert [row.read for row in users.kept(user)] == last
        assert users.counts(user) == (len(model[user]), last.count(False))
