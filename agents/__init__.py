"""The agents and rules of each domain, in one package for each. Depends on `tables` and `streams`, never on `api`."""
