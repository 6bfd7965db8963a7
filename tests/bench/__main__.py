"""Run the benchmarks: `python -m tests.bench [PART]...`."""

from __future__ import annotations

from tests.bench.command import bench

bench(prog_name="python -m tests.bench")
