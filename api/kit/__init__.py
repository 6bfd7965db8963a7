"""What the domains of the API share. Imports no domain."""
