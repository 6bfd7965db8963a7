"""Checks of an installation, each with what was found and what to do about it. `astratrade doctor` prints them."""
