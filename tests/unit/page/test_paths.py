"""An id that a crafted link carries stays one segment of a path, so no button sends another request than it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from deploy.dashboard.lock import SOURCE

Called = Callable[[str, list[list[Any]]], list[Any]]
MODULE = "data/paths.ts"
UNESCAPED = re.compile(r"(?<!pathOf)`(?:/v1/|\$\{(?:path|of|[A-Z]+)\}/)[^`]*\$\{[^`]*`")
"""A template that puts a value into a path of the API by itself."""
HOSTILE = [
    "../users/victim/suspend#",
    "a/../../users/victim/suspend?x=:b:1:2",
    "..",
    ".",
    "%2e%2e",
    "a b",
    "ü",
    "",
    "a?b=c",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_id_stays_one_segment_of_the_path(called: Called, hostile: str) -> None:
    [path] = called(MODULE, [["pathOf", ["/v1/dead-letters/", "/replay"], hostile]])
    sent = urlsplit(urljoin("http://page", path))
    head, segment, tail = sent.path.rsplit("/", 2)
    assert (head, tail, sent.query, sent.fragment) == ("/v1/dead-letters", "replay", "", "")
    assert unquote(segment).lower() not in {".", ".."}
    assert unquote(unquote(segment)) == unquote(hostile)


def test_every_path_with_an_id_is_made_in_one_place() -> None:
    found = [f"{file.name}: {each}" for file in SOURCE.rglob("*.ts*") for each in UNESCAPED.findall(file.read_text())]
    assert found == []


def test_the_address_chooses_a_letter_by_its_id_alone(called: Called) -> None:
    ids = ["astratrade-trading:astra.trading.commands.v1:2:1841", *HOSTILE, "a:b:1:2/../x", " a:b:1:2"]
    assert called(MODULE, [["isLetterId", each] for each in ids]) == [True] + [False] * (len(ids) - 1)
