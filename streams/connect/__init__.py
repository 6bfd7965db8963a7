"""Connectors carry records into and out of the log, with their source offset in the same commit."""
