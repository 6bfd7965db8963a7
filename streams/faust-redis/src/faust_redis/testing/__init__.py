"""Test Faust apps without a broker, in virtual time."""
