"""The base of all policies: a frozen model without defaults, so that the rule book must state every number."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from streams.units import PPM

Count = Annotated[int, Field(ge=0, strict=True)]
Positive = Annotated[int, Field(gt=0, strict=True)]
Ppm = Annotated[int, Field(ge=0, le=PPM, strict=True)]
"""Parts per million."""


class Policy(BaseModel):
    """A part of the rule book. It refuses unknown keys and has no defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")
