"""Two versions of the product beside each other: `python -m tests.versions --old REVISION`."""
