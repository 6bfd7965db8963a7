"""The rule book: one TOML file with every number of every domain, read once into frozen policies.

`agents/rulebook.toml` is the packaged rule book; a setting may name another (`deploy.rulebook`). To change a number,
edit a copy and raise its version. Each event carries the version of the rules that decided it.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final, Self

from pydantic import ValidationError, model_validator
from pydantic_core import ErrorDetails

from agents.financial.policy import FinancialPolicy
from agents.gamification.policy import GamificationPolicy
from agents.leaving import RowRules
from agents.nft.policy import NftPolicy
from agents.policy import Policy, Positive
from agents.social.policy import SocialPolicy
from agents.trading.policy import TradingPolicy
from agents.windows import WindowRules

VALUE_CHARS_MAX: Final = 60
DIGEST_CHARS: Final = 12
HOURS_A_DAY: Final = 24


class RulebookError(ValueError):
    """The text is no rule book. The message names the key, the expected value and the value found."""


class Rulebook(Policy):
    """All numbers of one version.

    Attributes:
        version: The version of the rules, which is in the envelope of every event.
        repeats_days: Span of event time, behind a user's newest event, in which a repetition is recognised.
        deadlines_per_tick_max: How many deadlines a domain handles at one tick of a partition.
    """

    version: Positive
    repeats_days: Positive
    deadlines_per_tick_max: Positive
    trading: TradingPolicy
    gamification: GamificationPolicy
    financial: FinancialPolicy
    nft: NftPolicy
    social: SocialPolicy
    windows: WindowRules
    rows: RowRules

    @model_validator(mode="after")
    def _windows_outlive_the_grace(self) -> Self:
        grace_h = self.late_grace_h
        for interval, hours in self.windows.kept_h.items():
            if 0 < hours < grace_h:
                raise ValueError(f"expected windows.kept_h.{interval} to be 0, or at least {grace_h}, got {hours}")
        return self

    @model_validator(mode="after")
    def _rows_outlive_the_grace(self) -> Self:
        days, least = self.rows.kept_days, self.late_grace_h // HOURS_A_DAY + 1
        if 0 < days < least:
            raise ValueError(f"expected rows.kept_days to be 0, or at least {least}, got {days}")
        return self

    def in_force(self, *, archived: bool) -> Rulebook:
        """Return the rule book of an installation: without an archive rows stay, unless the book says otherwise."""
        if archived or self.rows.without_archive:
            return self
        return self.model_copy(update={"rows": self.rows.model_copy(update={"kept_days": 0})})

    @property
    def identity(self) -> str:
        """Return the version and a digest of all numbers, such as ``1-5f0c9a4e21bd``. Comments do not count."""
        numbers = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return f"{self.version}-{hashlib.sha256(numbers.encode()).hexdigest()[:DIGEST_CHARS]}"

    @property
    def late_grace_h(self) -> int:
        """Return for how many hours after its end a window or a board's period takes late events."""
        return self.gamification.boards.late_grace_h

    @property
    def leverage_first(self) -> int:
        """Return the maximum leverage of a new account, which is that of the first level."""
        return self.gamification.levels.leverage_at(1)


def parse_rulebook(text: str) -> Rulebook:
    """Read a rule book from TOML.

    Raises:
        RulebookError: at the first wrong key.
    """
    try:
        return Rulebook.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RulebookError(f"not valid TOML: {error}") from error
    except ValidationError as error:
        raise RulebookError(_explain(_first(error.errors(include_url=False)))) from error


def packaged_text() -> str:
    """Return the text of the packaged rule book."""
    return (files("agents") / "rulebook.toml").read_text("utf-8")


@cache
def packaged_rulebook() -> Rulebook:
    """Return the packaged rule book."""
    return parse_rulebook(packaged_text())


def _first(errors: list[ErrorDetails]) -> ErrorDetails:
    """Return the error to report. Prefer an unknown key, because a misspelt key also appears as a missing one."""
    return next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])


def _explain(error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"] if part != "[key]")
    message = error["msg"].removeprefix("Value error, ")
    match error["type"]:
        case "missing":
            return f"{where}: expected a value, got none"
        case "extra_forbidden":
            return f"{where}: no rule has this name{_suggest(error['loc'])}"
        case "value_error" if "got" in message:
            return f"{where}: {message}"
    expected = message.replace("Input should be", "expected").replace("String should", "expected text that should")
    return f"{where}: {expected[0].lower()}{expected[1:]}, got {_shown(error['input'])}"


def _shown(value: Any) -> str:
    return repr(value)[:VALUE_CHARS_MAX]


def _suggest(loc: tuple[int | str, ...]) -> str:
    model: Any = Rulebook
    for part in loc[:-1]:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field else None
    close = difflib.get_close_matches(str(loc[-1]), list(getattr(model, "model_fields", ())), n=1)
    return f"; did you mean {close[0]}?" if close else ""
