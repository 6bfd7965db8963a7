"""Import everything that a process of `astratrade` imports. A fork server does so once for all its forks."""

import gc
import importlib

from deploy.cli.main import COMMANDS

for module in ("run.worker", "run.api", *(f"cli.commands.{name.replace('-', '_')}" for name in COMMANDS)):
    importlib.import_module(f"deploy.{module}")
gc.collect()
gc.freeze()
