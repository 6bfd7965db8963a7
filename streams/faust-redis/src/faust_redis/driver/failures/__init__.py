"""Handle events whose agents raised an error: retries, redelivery, dead letters."""
