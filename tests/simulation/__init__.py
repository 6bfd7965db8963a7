"""A simulation of the protocol: production driver code on virtual time, a modelled server, and every fault by seed."""
