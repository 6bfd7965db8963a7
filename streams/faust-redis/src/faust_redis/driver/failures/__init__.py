"""Deal with events whose agents raised: retries, redelivery, dead letters."""
