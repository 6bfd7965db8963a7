"""The numbers of the financial domain: the beneficiaries' shares of a fee."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from agents.policy import Policy, Ppm
from streams.events.base import Name
from streams.units import PPM
from tables.financial import TOTAL


class FinancialPolicy(Policy):
    """The split of a trading fee. Shares are rounded down; the remainder goes to `remainder_to`."""

    source: Name
    asset: Name
    remainder_to: Name
    split_ppm: Annotated[dict[Name, Ppm], Field(min_length=1)]

    @model_validator(mode="after")
    def _split_is_whole(self) -> Self:
        whole = sum(self.split_ppm.values())
        if whole != PPM:
            raise ValueError(f"expected shares in split_ppm that sum to {PPM}, got {whole}")
        if TOTAL in self.split_ppm:
            raise ValueError(f"expected no beneficiary {TOTAL!r} in split_ppm: that names the whole fee")
        if self.remainder_to not in self.split_ppm:
            raise ValueError(f"expected a beneficiary of split_ppm in remainder_to, got {self.remainder_to!r}")
        return self
