"""Replays a file of fills through the real ingress: `fills` reads it, `client` posts it, `summary` shows what came of it."""
