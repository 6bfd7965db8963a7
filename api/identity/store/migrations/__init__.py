"""The migrations of the identity store. Alembic loads `env.py` and the files in `versions`."""
