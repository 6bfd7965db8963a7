"""The relational store of accounts: its tables, its engine, its migrations."""
