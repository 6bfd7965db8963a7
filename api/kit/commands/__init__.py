"""Commands: read, validated, made safe to repeat, and appended to the log."""
