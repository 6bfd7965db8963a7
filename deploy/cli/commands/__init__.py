"""The commands of `astratrade`, one module each. They parse options and print; other modules do the work."""
