"""What an attacker tries, and what refuses it; `docs/security.md` names these tests."""
