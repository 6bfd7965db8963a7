"""The log: topics, event models, the Redis Streams log and its Faust driver. Imports nothing of the other rooms."""
