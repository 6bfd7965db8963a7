"""Open-loop load on the whole product, step by step until an SLO breaks: `python -m tests.load`."""
