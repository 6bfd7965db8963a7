"""Cairo contracts and their Python clients. Depends on `streams` only."""
