"""Tests of the container image. They run where a variable names an image, as `python -m tests.images` does."""

VARIABLE = "ASTRA_TEST_IMAGE"
