"""Tables out: by query, each answer with the position it is true for."""
