"""Tests of wallets by the API, with a node that answers for the accounts that it is given."""
