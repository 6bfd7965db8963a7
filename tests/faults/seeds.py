"""Play seeds, one or several at a time, each in a directory of its own."""

import multiprocessing
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.faults.run import Outcome, Shape, play


def directory_of(seed: int, keep: Path | None) -> Path:
    """Return an empty directory for a run."""
    if keep is None:
        return Path(tempfile.mkdtemp(prefix=f"astra-faults-{seed}-"))
    directory = keep.absolute() / str(seed)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def outcome(seed: int, shape: Shape, keep: Path | None, *, is_printed: bool = False) -> tuple[Outcome, Path]:
    """Play one seed. Remove the files of a run that held, unless they are to be kept."""
    directory = directory_of(seed, keep)
    played = play(seed, shape, directory, _print if is_printed else lambda _: None)
    if played.failure is None and keep is None:
        shutil.rmtree(directory)
    return played, directory


def outcomes(seeds: range, jobs: int, one: partial[tuple[Outcome, Path]]) -> Iterator[tuple[Outcome, Path]]:
    """Yield the outcomes as they come."""
    if jobs == 1:
        yield from map(one, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(one, seeds)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
