"""Find a duplicate key in an object of a JSON body. pydantic would silently take the last of the two."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

_KEY_END = re.compile(rb'"[ \t\r\n]*:')
"""The end of a key, since a quote inside a string is escaped. A string that begins with a colon counts as one, too."""

_SPACED_COLONS = (b" :", b"\t:", b"\n:", b"\r:")


class Duplicate(NamedTuple):
    """A key that occurs more than once in the object at a JSON pointer."""

    pointer: str
    key: str


def find_duplicate_key(raw: bytes, value: BaseModel) -> Duplicate | None:
    """Return the first duplicate key of a body, from which `value` was validated without unknown keys.

    Counting keys is cheap, so that only a body with more keys than the value has fields is parsed again.
    """
    if _keys(raw) <= _fields_set(value):
        return None
    return _search(json.loads(raw, object_pairs_hook=_Pairs), "#")


def _keys(raw: bytes) -> int:
    if any(space in raw for space in _SPACED_COLONS):
        return len(_KEY_END.findall(raw))
    return raw.count(b'":')  # far cheaper, and how most clients write


def _fields_set(value: BaseModel) -> int:
    count = len(value.model_fields_set)
    for part in vars(value).values():
        if isinstance(part, list) and part and isinstance(part[0], BaseModel):  # all items are, or none
            count += sum(len(item.model_fields_set) for item in part)
    return count


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of an object, in their order in the text."""


def _search(value: Any, pointer: str) -> Duplicate | None:
    if not isinstance(value, _Pairs):
        items: Sequence[tuple[str, Any]] = [(str(n), item) for n, item in enumerate(value)] if _is_array(value) else []
    elif (key := _twice(dict(value), value)) is not None:
        return Duplicate(pointer, key)
    else:
        items = value
    return next((found for name, item in items if (found := _search(item, f"{pointer}/{name}"))), None)


def _is_array(value: Any) -> bool:
    return isinstance(value, list)


def _twice(kept: Mapping[str, Any], pairs: _Pairs) -> str | None:
    if len(kept) == len(pairs):
        return None
    names = [name for name, _ in pairs]
    return next(name for name in names if names.count(name) > 1)
