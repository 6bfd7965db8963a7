"""Encode and decode keys and values as Faust does, in plain calls."""
