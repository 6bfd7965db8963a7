"""The parts of the benchmark: one module each, with a function `measure`, listed in `tests.bench.catalog`."""
