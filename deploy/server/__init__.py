"""The embedded Redis-protocol server, and how processes find and lock it."""
