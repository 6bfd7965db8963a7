"""The outbox on real databases and a real broker: test databases, a writer, and seeded runs with kills."""
