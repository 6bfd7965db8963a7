"""The processes of the product: worker, API, bridge, and the supervisor that runs them all."""
