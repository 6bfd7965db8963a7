"""Checks that the documentation is true, and the parts of it that derive from the code."""
