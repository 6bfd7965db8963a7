"""Identity: accounts, sign-in, sessions, wallets, API keys, signing keys, audit."""
