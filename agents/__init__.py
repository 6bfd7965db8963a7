"""One package a domain: what happens when an event arrives. Depends on `tables` and `streams`, never on `api`."""
