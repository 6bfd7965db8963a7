"""The command line `astratrade`."""
