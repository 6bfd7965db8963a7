"""Writes the typed clients from the ABI of the committed classes, and their documentation from the Cairo sources."""
