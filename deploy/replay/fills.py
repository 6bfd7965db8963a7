"""Turn a CSV file of fills into request bodies of the ingress. Pure functions, except for reading the file."""

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
from streams.times import Instant

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
Mark = dict[str, str]


class FillsFileError(DeployError):
    """The file is not a valid file of fills. The message names the line."""


@dataclass(frozen=True, slots=True)
class FillsFile:
    """The fills of a file. The file's digest is part of their ids, so a second replay sends the same ids."""

    path: Path
    digest: str
    fills: tuple[Fill, ...]

    def batches(self, size: int, skip: int = 0) -> Iterator[tuple[str, list[Fill]]]:
        """Yield batches with their idempotency keys, which are the digest and the range of lines."""
        for start in range(skip, len(self.fills), size):
            batch = list(self.fills[start : start + size])
            first = start + FIRST_LINE
            yield f"{self.digest}-{first}-{first + len(batch) - 1}", batch

    def last_marks(self) -> list[Mark]:
        """Return price and time of each market's last fill, as `POST /v1/prices` takes them."""
        by_time = sorted(self.fills, key=lambda fill: Instant.parse(fill["executed_at"]))
        last = {fill["market"]: fill for fill in by_time}
        return [
            {"market": market, "price": fill["price"], "time": fill["executed_at"]} for market, fill in last.items()
        ]


def read_fills(name: str | Path) -> FillsFile:
    """Read a whole file. `sample` is the packaged one.

    Raises:
        FillsFileError: when the file cannot be read, lacks a column or has a bad row. The message names the line.
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
    """Return the fills of a CSV text.

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
    """Return the body of one fill from one row.

    Raises:
        ValueError: when a column is wrong; the message names it.
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
    """Return whether a fill closes a position: `Close Long`, `Close Short`, and flips such as `Long > Short`."""
    return direction.startswith("Close") or ">" in direction


def plain(column: str, text: str) -> str:
    """Return a decimal without an exponent: ``1e-05`` becomes ``0.00001``.

    Raises:
        ValueError: when the text is not a finite decimal.
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
