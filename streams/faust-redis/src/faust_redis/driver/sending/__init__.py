"""Send records from agents: the fast path of topics, encoding, and deliveries that are awaited."""
