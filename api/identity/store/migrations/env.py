"""Run migrations on the connection that `api.identity.store.migrate` opened, in its transaction."""

from alembic import context

from api.identity.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
