"""Texts that people write about themselves, and which characters they may hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

DISPLAY_CHARS_MAX = 40
BIO_CHARS_MAX = 280
NEWLINE = "\n"


def _one_line(text: str) -> str:
    if not text or text != text.strip() or not text.isprintable():
        raise ValueError("expected printable text in one line that neither begins nor ends with a space")
    return text


def _lines(text: str) -> str:
    if not text.replace(NEWLINE, "").isprintable():
        raise ValueError("expected printable text in lines")
    return text


DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=DISPLAY_CHARS_MAX), AfterValidator(_one_line)]
"""Printable text in one line that neither begins nor ends with a space."""
Bio = Annotated[str, StringConstraints(max_length=BIO_CHARS_MAX), AfterValidator(_lines)]
"""Printable text in lines."""
