"""The parts of the benchmark, one module each, with a function `measure`; `deploy.bench.catalog` names them."""
