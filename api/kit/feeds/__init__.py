"""Live feeds: follow a topic once, and tell each subscriber what changed."""
