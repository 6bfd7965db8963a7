"""The product's job in other systems and in ours: `python -m tests.peers product --help`."""
