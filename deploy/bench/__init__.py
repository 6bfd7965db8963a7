"""Measurements that an operator runs on an own machine, each against a broker of its own."""
