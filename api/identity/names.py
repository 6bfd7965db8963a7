"""Usernames and e-mail addresses: what is accepted, and the key under which each is unique.

The key is the casefolded NFKC form. So 'Straße' and 'STRASSE' are one name, and full-width letters are the plain ones.
Letters of different scripts that look alike stay different names.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from api.identity.errors import IdentityError
from streams.events.user import USERNAME_CHARS_MAX

USERNAME_CHARS_MIN: Final = 3
KEY_CHARS_MAX: Final = 64
"""Casefolding can make a name longer: 'ŉ' becomes two characters."""
EMAIL_CHARS_MAX: Final = 254
_USERNAME: Final = re.compile(r"[^\W_][\w-]*")
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+")


class InvalidNameError(IdentityError, ValueError):
    """A username or an e-mail address is not accepted. The message says what is expected."""


def username(text: str) -> str:
    """Return a username in the form in which it is stored and shown.

    Raises:
        InvalidNameError: it is too short or too long, or has other characters than letters, digits, `_` and `-`.
    """
    name = unicodedata.normalize("NFKC", text)
    fits = USERNAME_CHARS_MIN <= len(name) <= USERNAME_CHARS_MAX and len(key(name)) <= KEY_CHARS_MAX
    if not fits or not _USERNAME.fullmatch(name):
        raise InvalidNameError(
            f"a username has {USERNAME_CHARS_MIN} to {USERNAME_CHARS_MAX} letters, digits, '_' and '-', and begins "
            "with a letter or a digit"
        )
    return name


def email(text: str) -> str:
    """Return an e-mail address in the form in which it is stored.

    Raises:
        InvalidNameError: it is no address.
    """
    address = unicodedata.normalize("NFKC", text)
    if len(key(address)) > EMAIL_CHARS_MAX or not _EMAIL.fullmatch(address):
        raise InvalidNameError(f"an e-mail address is like name@example.org, with at most {EMAIL_CHARS_MAX} characters")
    return address


def key(name: str) -> str:
    """Return the form under which a name is unique."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
