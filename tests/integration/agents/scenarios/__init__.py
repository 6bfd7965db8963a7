"""One scenario for each domain. Together they use every topic and table that the topology declares.

A module `scenarios.<domain>` has a function `play(run)`. `run` processes an event and all that follows from it, in one
partition, and returns what followed.
"""
