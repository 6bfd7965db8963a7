"""FastAPI: commands in, tables out, live feeds. Depends on `tables` and `streams`, never on `agents`."""
