"""Replays a file of fills through the real ingress: `fills` reads it, `ingress` posts it, `run` waits and sums up."""
