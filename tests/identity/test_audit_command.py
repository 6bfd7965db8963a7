"""`astratrade audit` on both databases."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import update

from api.identity import audit
from api.identity.store.database import IdentityStore
from api.identity.store.tables import AUDIT_LOG
from streams.times import Instant
from tests.identity.test_audit import tamper
from tests.support.aside import run_aside

NOW = Instant.parse("2026-11-29T05:00:00.25Z")


@pytest.fixture
def url(database_url: str) -> str:
    async def fill() -> None:
        store = IdentityStore(database_url)
        for number in range(3):
            async with store.work(NOW) as work:
                subject = f"user-{number % 2}"
                await audit.record(work, actor="system", action="tried", subject=subject, detail={"n": "ü"})
        await store.close()

    run_aside(fill())
    return database_url


def astratrade(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "deploy.cli.main", "audit", *arguments],
        env={**inherited, "ASTRA_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_verify_prints_what_to_note_and_checks_what_was_noted(url: str) -> None:
    done = astratrade(url, "verify")
    assert done.returncode == 0
    said, _, noted = done.stdout.strip().rpartition(" ")
    assert said == "3 entries, none changed; the last one is"
    assert astratrade(url, "verify", "--noted", noted).returncode == 0
    other = astratrade(url, "verify", "--noted", f"3:{'00' * 32}")
    assert other.returncode == 1
    assert "entry 3 is broken: it is another entry than the one that was noted" in other.stderr


def test_verify_ends_with_one_line_that_names_the_first_broken_entry(url: str) -> None:
    async def change() -> None:
        store = IdentityStore(url)
        await tamper(store, update(AUDIT_LOG).where(AUDIT_LOG.c.number == 2).values(actor="mallory"))
        await store.close()

    asyncio.run(change())
    done = astratrade(url, "verify")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "astratrade: the audit log is not as it was written: entry 2 is broken: its fields do not match its digest\n"
    )


@pytest.mark.parametrize(
    ("options", "numbers"),
    [((), [1, 2, 3]), (("--last", "1"), [3]), (("--subject", "user-1"), [2]), (("--actor", "x"), [])],
)
@pytest.mark.sample(1)
def test_list_prints_the_newest_entries_in_order(url: str, options: Any, numbers: list[int]) -> None:
    lines = astratrade(url, "list", *options).stdout.splitlines()
    assert [int(line.split()[0]) for line in lines] == numbers
    assert all("2026-11-29T05:00:00.25Z" in line and '{"n": "ü"}' in line for line in lines)


def test_a_noted_entry_that_is_none_is_refused(url: str) -> None:
    done = astratrade(url, "verify", "--noted", "3")
    assert done.returncode == 1
    assert done.stderr.startswith("astratrade: --noted '3' is not a number, a colon and 64 hexadecimal digits")
