"""Webhooks: post events of the log to partners, signed, at least once, with an id by which they recognise repetitions.

`tables` and `store` keep subscriptions, read positions and deliveries in a database, `reader` turns records into
deliveries, `sender` posts them, and `signing` signs them.
"""
