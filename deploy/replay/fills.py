"""A file of fills (CSV) as the bodies that the ingress takes. Pure but for reading the file."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Any

from deploy.errors import DeployError

SAMPLE = "sample"
DIGEST_DIGITS = 16
FIRST_LINE = 2  # line 1 is the header
COLUMNS = (
    "executed_at", "trader", "order_id", "market", "side", "direction", "price", "size", "notional_usd",
    "closed_pnl_usd", "fee_usd", "taker",
)  # fmt: skip
DECIMALS = ("price", "size", "notional_usd", "fee_usd", "closed_pnl_usd")
SIDES = ("buy", "sell")
TAKER = {"true": True, "false": False}

Fill = dict[str, Any]


class FillsFileError(DeployError):
    """The file is not a usable record of fills; the message names the line."""


@dataclass(frozen=True, slots=True)
class FillsFile:
    """A file and its identity: the digest names its fills, so that a fill is the same whenever it is sent."""

    path: Path
    digest: str
    fills: tuple[Fill, ...]

    def batches(self, size: int, skip: int = 0) -> Iterator[tuple[str, list[Fill]]]:
        """Batches with their idempotency keys: digest and range of lines."""
        for start in range(skip, len(self.fills), size):
            batch = list(self.fills[start : start + size])
            first = start + FIRST_LINE
            yield f"{self.digest}-{first}-{first + len(batch) - 1}", batch


def read_fills(name: str | Path) -> FillsFile:
    """Read a whole file; `sample` is the packaged one.

    Raises:
        FillsFileError: when it cannot be read, a column is missing or a row is bad; it names the line.
    """
    path = Path(str(files("deploy") / "data" / "fills-sample.csv")) if str(name) == SAMPLE else Path(name)
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except OSError as exc:
        raise FillsFileError(f"cannot read {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise FillsFileError(f"{path} is not UTF-8 text: {exc}") from exc
    digest = hashlib.sha256(content).hexdigest()[:DIGEST_DIGITS]
    return FillsFile(path, digest, tuple(parse(text, digest, path.name)))


def parse(text: str, digest: str, name: str = "fills") -> Iterator[Fill]:
    """The fills of a CSV text.

    Raises:
        FillsFileError: at the first bad row.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise FillsFileError(f"{name} lacks the columns {', '.join(missing)}; expected {', '.join(COLUMNS)}")
    try:
        for row in rows:
            yield fill(row, f"{digest}-{rows.line_num}")
    except (ValueError, csv.Error) as exc:
        raise FillsFileError(f"{name}, line {rows.line_num}: {exc}") from exc


def fill(row: Mapping[str, str | None], fill_id: str) -> Fill:
    """One row as the body of one fill.

    Raises:
        ValueError: saying which column is wrong.
    """
    if None in row or None in row.values():
        raise ValueError("it has another number of columns than the header")
    texts = {column: (row[column] or "").strip() for column in COLUMNS}
    empty = [column for column, value in texts.items() if not value]
    if empty:
        raise ValueError(f"{empty[0]} is empty")
    return {
        "fill_id": fill_id,
        "user_id": texts["trader"],
        "trade_id": texts["order_id"],
        "market": texts["market"],
        "side": _one_of("side", texts["side"], SIDES),
        **{column: plain(column, texts[column]) for column in DECIMALS},
        "closes": closes(texts["direction"]),
        "taker": TAKER[_one_of("taker", texts["taker"], tuple(TAKER))],
        "executed_at": texts["executed_at"],
    }


def closes(direction: str) -> bool:
    """Whether a fill closes a position: `Close Long`, `Close Short`, and flips such as `Long > Short`."""
    return direction.startswith("Close") or ">" in direction


def plain(column: str, text: str) -> str:
    """A decimal without an exponent: ``1e-05`` is ``0.00001``.

    Raises:
        ValueError: when it is not a finite decimal.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError(f"{column} is {text!r}, expected a decimal number")
    return f"{number:f}"


def _one_of(column: str, text: str, accepted: tuple[str, ...]) -> str:
    if text not in accepted:
        raise ValueError(f"{column} is {text!r}, expected {' or '.join(accepted)}")
    return text
