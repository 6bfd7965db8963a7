"""Decoders are made by several threads at once: each domain of a worker has a thread."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.source import PYTHON_PATH

PROGRAM = """
import itertools, sys, threading
import msgspec
from faust_redis import Typed
from streams.wire import cached_decoder
from tables.row_codec import dump, loader

sys.setswitchinterval(1e-6)
ROUNDS, THREADS = 300, 4
TURNS = itertools.count()
READ = eval(sys.argv[1])
ROWS = "loader" in sys.argv[1]


for number in range(ROUNDS):
    inner = [msgspec.defstruct(f"Inner{number}_{n}", [("text", str)]) for n in range(20)]
    fields = [(f"field_{n}", dict[str, kind] | None, None) for n, kind in enumerate(inner)]
    kind = msgspec.defstruct(f"Kind{number}", fields, array_like=ROWS)
    whole = kind(**{f"field_{n}": {"a": one("b")} for n, one in enumerate(inner)})
    raw = dump(whole) if ROWS else msgspec.json.encode(whole)
    barrier, found = threading.Barrier(THREADS), []

    def read() -> None:
        barrier.wait()
        found.append(READ(kind, raw).field_19["a"].text)

    threads = [threading.Thread(target=read) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["b"] * THREADS, found
"""


@pytest.mark.parametrize(
    "read",
    [
        "lambda kind, raw: cached_decoder(kind).decode(raw)",
        "lambda kind, raw: (Typed(kind).load if next(TURNS) % 2 else cached_decoder(kind).decode)(raw)",
        "lambda kind, raw: loader(kind)(raw)",
    ],
    ids=["product", "product and library", "rows"],
)
@pytest.mark.sample(1)
def test_several_threads_may_make_a_decoder_of_one_struct_at_once(tmp_path: Path, read: str) -> None:
    """In a process of its own: where this is not safe, the process is killed by a segmentation fault."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, read],
        env={"PYTHONPATH": PYTHON_PATH},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"status {done.returncode}\n{done.stderr[-2000:]}"
