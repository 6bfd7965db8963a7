"""Tasks of operators: reset an installation, issue tokens, check the installation."""
