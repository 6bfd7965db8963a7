"""The Faust apps that are measured, each run as a worker process of its own.

A style is a way to write the same agents: `STYLES` names the modules `tests.bench.apps.<style>_agent`.
"""

STYLES = ("event", "batch")
