"""Label the member that an app becomes: short texts about its configuration, published with the member's status.

    label_member(app, {"build": "4711"})

`MemberDescription.labels` has the labels of every live member. So an operator sees members that differ.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

_labels: weakref.WeakKeyDictionary[Any, dict[str, str]] = weakref.WeakKeyDictionary()


def label_member(app: Any, labels: Mapping[str, str]) -> None:
    """Set labels of the member that a Faust app becomes. Call this before the app starts."""
    labels_of(app).update(labels)


def labels_of(app: Any) -> dict[str, str]:
    """Return the labels of an app's member; labels that are set later join this mapping."""
    return _labels.setdefault(app, {})
