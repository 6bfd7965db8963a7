"""Adapt the driver to Faust: transport, consumer, producer, stream; and compose it of its parts."""
