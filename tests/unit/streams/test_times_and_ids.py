"""Times are UTC microseconds; ids are UUIDv7, drawn or derived."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from streams.ids import derived_id, fill_event_id, new_id, timestamp_ms, uuid7
from streams.times import DAY_US, Instant, midnight

NAMES = st.text("ab1._:-", min_size=1, max_size=4)
INSTANTS = st.integers(0, 32_503_679_999_999_999).map(Instant)


@given(INSTANTS)
def test_instants_round_trip_as_text(instant: Any) -> None:
    assert Instant.parse(instant.text()) == instant
    assert TypeAdapter(Instant).validate_json(TypeAdapter(Instant).dump_json(instant)) == instant


@given(INSTANTS)
def test_instants_are_written_as_datetimes_are_without_trailing_zeros(instant: Any) -> None:
    whole, _, part = instant.moment().strftime("%Y-%m-%dT%H:%M:%S.%f").partition(".")
    assert instant.text() == f"{whole}.{part}".rstrip("0").rstrip(".") + "Z"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-09-20T08:36:00Z", datetime(2024, 9, 20, 8, 36, tzinfo=UTC)),
        ("2024-09-20T08:36:00.5Z", datetime(2024, 9, 20, 8, 36, 0, 500_000, tzinfo=UTC)),
        ("2024-02-29T23:59:59.999999Z", datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_instants_are_exact_microseconds(text: Any, moment: Any) -> None:
    assert Instant.parse(text).moment() == moment
    assert Instant.parse(text).text() == text


@pytest.mark.parametrize(
    "text",
    [
        "2024-09-20T08:36:00",
        "2024-09-20T08:36:00+00:00",
        "2024-09-20T10:36:00+02:00",
        "2024-09-20",
        "2024-02-30T00:00:00Z",
        "2024-09-20T24:00:00Z",
        "2024-09-20T08:36:60Z",
        "2024-09-20T08:36:00.1234567Z",
        "2024-09-20T08:36:00.Z",
        "2024-09-20T08:36:00.5",
        "2024-09-20T08:36:00.-5Z",
        "2024-09-20T08:36:00.\u0661Z",
        "2024-09-20T08:36:00,5Z",
        "2024-09-20T08:36:00Z\n",
        "2024-09-20T08:36:00ZZ",
        "1969-12-31T23:59:59Z",
        "3000-01-01T00:00:00Z",
        "2024-09-20t08:36:00z",
        "",
    ],
)
def test_instants_refuse_what_is_not_utc_with_a_z(text: Any) -> None:
    with pytest.raises(ValueError, match=r"time|range|day|hour|month|second"):
        Instant.parse(text)


@pytest.mark.parametrize("number", ["1726821360", "1726821360.5", "null"])
def test_a_json_number_is_no_time(number: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_json(number)


@given(INSTANTS)
def test_the_day_of_an_instant_begins_at_its_midnight(instant: Any) -> None:
    assert midnight(instant.day()) == instant.day_number() * DAY_US
    assert midnight(date(1970, 1, 1)) == 0


@given(st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))
def test_ids_are_uuid_version_7_with_the_timestamp(milliseconds: Any, entropy: Any) -> None:
    made = UUID(uuid7(milliseconds, entropy))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert timestamp_ms(str(made)) == milliseconds


def test_ids_are_as_the_example_of_rfc_9562() -> None:
    assert uuid7(0x017F22E279B0, bytes.fromhex("0CC318C4DC0C0C07398F")) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_ids_sort_by_time() -> None:
    assert uuid7(1, b"\xff" * 10) < uuid7(2, b"\x00" * 10)


@pytest.mark.parametrize(("milliseconds", "entropy"), [(-1, bytes(10)), (1 << 48, bytes(10)), (0, bytes(9))])
def test_ids_refuse_what_does_not_fit(milliseconds: Any, entropy: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        uuid7(milliseconds, entropy)


def test_new_ids_differ() -> None:
    now = Instant.parse("2024-09-20T08:36:00Z")
    assert len({new_id(now) for _ in range(1_000)}) == 1_000


def test_derived_ids_are_deterministic_keep_the_time_and_tell_names_apart() -> None:
    source = new_id(Instant.parse("2024-09-20T08:36:00Z"))
    assert derived_id(7, source, "a", "b") == derived_id(7, source, "a", "b")
    assert len({derived_id(7, source, *names) for names in [("a",), ("b",), ("a", "b"), ("ab",), ("a", "")]}) == 5
    assert timestamp_ms(derived_id(7, source, "a")) == 7
    at = 0x01920E92E180
    assert derived_id(at, "01920e92-e180-79b8-b040-d91b5678157d", "a", "") == "01920e92-e180-7e4e-a2b0-2d74cab0d41e"


def test_a_fill_is_named_by_venue_user_and_fill_id() -> None:
    ids = {fill_event_id(venue, user, fill) for venue in ("a", "b") for user in ("a", "b") for fill in ("a", "b")}
    assert len(ids) == 8
    assert fill_event_id("tape", "ada", "1") == "3fc54c1e-5129-8959-b82b-b9379e3a3112"


@given(NAMES, NAMES, NAMES)
def test_the_id_of_a_fill_is_a_uuid_version_8(venue: Any, user: Any, fill: Any) -> None:
    made = UUID(fill_event_id(venue, user, fill))
    assert (made.version, made.variant) == (8, "specified in RFC 4122")
    assert str(made) == fill_event_id(venue, user, fill)
