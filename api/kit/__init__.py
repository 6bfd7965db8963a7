"""The modules that all domains of the API share. Imports no domain."""
