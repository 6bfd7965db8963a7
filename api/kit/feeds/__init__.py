"""Live feeds: follow a topic once, and send the changes to each subscriber."""
