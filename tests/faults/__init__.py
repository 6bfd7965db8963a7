"""The fault suite: the real pipeline under a seeded script of real faults, then compared with the oracle.

`plan` draws the script, `proxy` is the network that can be cut, `cluster` holds the processes, `acts` carries faults
out, `run` plays one seed; `model` says what must be there and `checks` compares, to the last event.
`python -m tests.faults --help`; docs/faults.md.
"""
