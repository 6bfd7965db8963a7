"""The parts of the benchmark, one module each, with a function `measure`; `tests.bench.catalog` names them."""
