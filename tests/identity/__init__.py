"""Accounts: their store, audit and operator commands."""
