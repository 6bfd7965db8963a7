"""Schemathesis over the OpenAPI description of a running installation, by `python -m tests.fuzz`."""
