"""Replay a file of fills through the ingress: `fills` reads it, `ingress` posts it, `run` waits and sums up."""
