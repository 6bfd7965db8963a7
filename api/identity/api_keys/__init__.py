"""API keys: their text, their rows in the store, and the keys that a process knows."""
