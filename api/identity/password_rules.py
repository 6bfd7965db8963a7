"""Which new passwords are refused: too short, too long, common, a pattern of keys, or the user's own name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

from api.identity.passwords import normalised

CHARS_MIN: Final = 12
CHARS_MAX: Final = 128
DISTINCT_MIN: Final = 5
NAME_CHARS_MIN: Final = 4
"""Shorter names occur in good passwords by chance."""
STEMS_MAX: Final = 2
"""A password of so many common words, with any digits and signs around them, is common."""
STEPS_MAX: Final = 0.7
"""The largest share of characters that may follow their predecessor on the keyboard or in the alphabet."""
LIST: Final = "common_passwords.txt"
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
)
_COLUMNS: Final = ("1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik", "9ol", "zaq1", "xsw2", "cde3", "vfr4")
_SHIFTED: Final = str.maketrans("!@#$%^&*()", "1234567890")
_SIGNS_FOR_LETTERS: Final = str.maketrans("@4831!|05$7+", "aabeiiiosstt")
_NO_LETTERS: Final = re.compile(r"[\W\d_]+")
_AROUND: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class WeakPasswordError(ValueError):
    """A new password is refused. The message says why."""


def check_new_password(password: str, *names: str | None) -> None:
    """Refuse a weak password.

    Args:
        password: The new password.
        names: The user's name and e-mail address.

    Raises:
        WeakPasswordError: the message says what is wrong, never the password.
    """
    text = normalised(password).casefold()
    if not CHARS_MIN <= len(password) <= CHARS_MAX:
        raise WeakPasswordError(f"expected {CHARS_MIN} to {CHARS_MAX} characters")
    if len(set(text)) < DISTINCT_MIN:
        raise WeakPasswordError(f"expected at least {DISTINCT_MIN} different characters")
    if text.isdigit():
        raise WeakPasswordError("digits alone are easy to guess")
    if any(name in text for name in _parts(names)):
        raise WeakPasswordError("it contains your name or e-mail address")
    if _is_walk(text):
        raise WeakPasswordError("it follows the keyboard or the alphabet")
    if _is_common(text):
        raise WeakPasswordError("it is a common password")


def _parts(names: tuple[str | None, ...]) -> Iterator[str]:
    """Yield what a password may not contain: each name, and of an e-mail address the part before the @."""
    for name in names:
        part = normalised(name or "").casefold().partition("@")[0]
        if len(part) >= NAME_CHARS_MIN:
            yield part


def _is_walk(text: str) -> bool:
    steps = _steps()
    keys = text.translate(_SHIFTED)
    followed = sum(pair in steps for pair in pairwise(keys))
    return followed > STEPS_MAX * (len(keys) - 1)


@cache
def _steps() -> frozenset[tuple[str, str]]:
    """Return the pairs of characters that are neighbours, in both directions, or the same."""
    forward = {pair for row in (*_ROWS, *_COLUMNS) for pair in pairwise(row)}
    same = {(char, char) for row in _ROWS for char in row}
    return frozenset(forward | {(after, before) for before, after in forward} | same)


def _is_common(text: str) -> bool:
    """Return whether the letters of a password are one or two common words, also with signs in place of letters."""
    spelt = (text, text.translate(_SIGNS_FOR_LETTERS), _AROUND.sub("", text).translate(_SIGNS_FOR_LETTERS))
    return any(_is_words(_NO_LETTERS.sub("", letters), STEMS_MAX) for letters in spelt)


def _is_words(letters: str, words_max: int) -> bool:
    if not letters or not words_max:
        return False
    stems = common_words()
    if letters in stems:
        return True
    return any(letters[:end] in stems and _is_words(letters[end:], words_max - 1) for end in range(1, len(letters)))


@cache
def common_words() -> frozenset[str]:
    """Return the packaged list: words and phrases from which common passwords are made."""
    lines = files("api.identity").joinpath(LIST).read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
