"""Import everything that a process of `astratrade` imports, and do what each does first. A fork server does so once."""

import gc
import importlib
import inspect

from agents.registry import handlers_of
from api.app import create_app
from deploy.cli.main import COMMANDS
from tables.domains import TOPOLOGY
from tests.integration.api.support import config_of

SERVICES = ("worker", "api", "relay", "webhooks", "clock")
"""Not those of the chain, which few tests start, and which import for seconds."""
ADMIN = ("accounts", "api_keys", "database", "signing_keys", "tokens")

for module in (
    *(f"deploy.cli.commands.{name.replace('-', '_')}" for name in COMMANDS),
    *(f"deploy.run.{name}" for name in SERVICES),
    *(f"deploy.admin.{name}" for name in ADMIN),
    "deploy.financial_audit",
    "api.identity.audit",
    "api.identity.store.migrate",
):
    importlib.import_module(module)
for domain in TOPOLOGY.names:
    handlers_of(domain)
create_app(config_of("redis://nowhere"))  # an API spends most of its start on the models of its routes
inspect.getmodule(inspect.currentframe())  # Faust asks so for each agent, and the first time takes long
gc.collect()
gc.freeze()
