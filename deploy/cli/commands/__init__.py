"""The commands of `astratrade`, one module each. They parse and print; the work is done elsewhere."""
