"""Back up and restore an installation by the servers' own tools: `python -m tests.backup_drill`."""
