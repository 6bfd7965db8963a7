"""The migrations give the tables of the code on SQLite. `tests/identity/test_migrations.py` looks at both databases."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from api.identity.store.tables import METADATA


def test_a_table_and_its_migration_are_changed_together(sqlite_template: Path) -> None:
    engine = create_engine(f"sqlite:///{sqlite_template}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert list(compare_metadata(context, METADATA)) == []
    engine.dispose()
