"""Generated files of fills: the oracle's totals add up, and the files contain the hard cases."""

import csv
from decimal import Decimal
from pathlib import Path

from tests.bench.synthetic import write_fills
from tests.oracle.boards import BoardKey
from tests.oracle.fills import E8, read_fills
from tests.oracle.fold import fold


def test_the_days_of_a_file_add_up_to_its_all_time_boards(tmp_path: Path) -> None:
    totals = fold(read_fills(write_fills(tmp_path / "f.csv", fills=2_000, users=30)))
    for board in ("xp", "volume", "pnl", "trades"):
        for kind in ("day", "week", "month", "season"):
            added: dict[str, int] = {}
            for key in totals.boards.held():
                if key.board == board and key.market is None and key.period.startswith(kind):
                    for row in totals.boards.rows(key):
                        added[row.user] = added.get(row.user, 0) + row.score
            assert added == {row.user: row.score for row in totals.boards.rows(BoardKey(board, "all"))}


def test_plain_sums_of_a_file_are_what_the_fold_says(tmp_path: Path) -> None:
    path = write_fills(tmp_path / "f.csv", fills=2_000, users=30)
    with path.open() as lines:
        plain = list(csv.DictReader(lines))
    totals = fold(read_fills(path))
    assert totals.fills == len(plain) == 2_000
    for column, total in {
        "notional_usd": sum(user.volume for user in totals.users.values()),
        "closed_pnl_usd": sum(user.pnl for user in totals.users.values()),
        "fee_usd": totals.fees.totals["all"]["total"],
    }.items():
        assert sum(Decimal(line[column]) for line in plain) == Decimal(total) / E8
    assert len({line["order_id"] for line in plain}) == sum(len(user.trades) for user in totals.users.values())


def test_a_made_file_has_ties_to_break_and_users_that_lose(tmp_path: Path) -> None:
    totals = fold(read_fills(write_fills(tmp_path / "f.csv", fills=2_000, users=30)))
    trades = totals.boards.rows(BoardKey("trades", "all"))
    assert len({row.score for row in trades}) < len(trades)
    assert totals.boards.rows(BoardKey("pnl", "all"))[-1].score < 0
