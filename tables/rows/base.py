"""What every row shares: a frozen model, kept as UTF-8 JSON."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[int, Field(description="integer of 1e-8 USD")]
Micros = Annotated[int, Field(description="microseconds since 1970, UTC")]


class Row(BaseModel):
    """The value of a table. Frozen: a change is a new row, put back under its key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def dump(self) -> bytes:
        """As JSON bytes."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def load(cls, raw: bytes) -> Self:
        """From JSON bytes.

        Raises:
            pydantic.ValidationError: when they are not a row of this kind.
        """
        return cls.model_validate_json(raw)
