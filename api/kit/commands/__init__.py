"""Commands in: validated, made safe to repeat, appended to the log."""
