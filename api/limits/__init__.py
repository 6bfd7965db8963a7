"""Limits: how much a caller may ask for, and how many connections and feeds the API keeps open."""
