"""The FastAPI gateway: commands in, tables and live feeds out. Depends on `tables` and `streams`, never on `agents`."""
