"""Live feeds of tables and events. Depends on `tables` and `streams`."""
