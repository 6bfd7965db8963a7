"""One WebSocket for any number of feeds: the messages, the connection, and its subscriptions."""
