"""What several contracts have: the clients of `contracts/cairo/shared`."""
