"""The Python client: its models, and how it behaves against a real API."""
