"""Topics, event models, topology and connectors, beside the library `faust_redis`. Imports no other room."""
