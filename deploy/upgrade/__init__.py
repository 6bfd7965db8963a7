"""Check what the installed code would make of an installation's log, before it is switched on."""
