"""How it runs: settings, embedded server, supervisor, command line. The only room that sees all others."""
