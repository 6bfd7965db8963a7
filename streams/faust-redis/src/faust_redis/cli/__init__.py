"""The command line `faust-redis`. An application with commands of its own can mount the same ones: see `target`."""
