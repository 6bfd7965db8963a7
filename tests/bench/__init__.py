"""How fast it is, on this machine: `python -m tests.bench --help`."""
