"""Texts that people write about themselves, and which characters they may hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

DISPLAY_CHARS_MAX = 40
BIO_CHARS_MAX = 280

DisplayName = Annotated[
    str,
    StringConstraints(
        max_length=DISPLAY_CHARS_MAX, pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
    ),
]
"""Text in one line that neither begins nor ends with a space."""
Bio = Annotated[str, StringConstraints(max_length=BIO_CHARS_MAX, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$")]
"""Text in lines, without other control characters."""
