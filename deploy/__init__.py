"""Settings, embedded server, supervisor and command line. The only room that imports all others."""
