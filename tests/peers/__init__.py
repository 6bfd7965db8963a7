"""The same job on other stream processors and on ours, in one run: `python -m tests.peers --help`."""
