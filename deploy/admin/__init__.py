"""What operators do: look at lag, reset, issue tokens, check the installation."""
