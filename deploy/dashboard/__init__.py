"""Builds the dashboard from its sources. Depends on the standard library alone, and on Node at the time of a build."""
