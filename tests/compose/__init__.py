"""Tests of deploy/compose.yaml. They run where a variable names a project, as `python -m tests.compose` does."""

VARIABLE = "ASTRA_TEST_COMPOSE"
