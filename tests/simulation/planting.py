"""Plant a defect for the time of one run: a flaw of the server's scripts, or a changed method of the driver."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

Planter = Callable[[ExitStack], None]


@dataclass(frozen=True, slots=True)
class Defect:
    """A planted defect: a flaw of the server's scripts, or a change to the driver.

    Attributes:
        near: A seed shortly before the first that catches the defect; the search for a rare one starts there.
    """

    about: str
    flaw: str | None = None
    planter: Planter | None = None
    near: int = 0

    def plant(self, stack: ExitStack) -> frozenset[str]:
        """Plant the defect until the stack is closed; return the server's flaws."""
        if self.planter is not None:
            self.planter(stack)
        return frozenset() if self.flaw is None else frozenset({self.flaw})


def replace_method(stack: ExitStack, owner: type, name: str, new: Any) -> Any:
    """Replace a method; return the original."""
    old = getattr(owner, name)
    stack.enter_context(patch.object(owner, name, new))
    return old
