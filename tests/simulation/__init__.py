"""A simulation of the protocol: production driver code on virtual time, a modelled server, faults drawn from a seed."""
