"""Wallets: sign in, link and unlink by a SNIP-12 signature of a challenge that works once."""
