"""The fault suite: run the real pipeline under a seeded script of real faults, then compare it with the oracle.

`plan` draws the script, `proxy` is the network that can be cut, `cluster` holds the processes, `acts` carries out
faults, and `run` plays one seed. `model` computes the expected log, and `checks` compares every event with it. See
`python -m tests.faults --help` and docs/faults.md.
"""
