"""The API on a real broker, as the tests of its integration have it."""

from tests.integration.api.conftest import app, client, config, served_app, server, worker

__all__ = ["app", "client", "config", "served_app", "server", "worker"]
