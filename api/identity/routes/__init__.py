"""The routes of identity: signing in, the own account, the public keys."""
