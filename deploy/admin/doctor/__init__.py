"""Checks of an installation. Each returns its finding and advice. `astratrade doctor` prints them."""
