"""The transactional outbox: rows and their events in one database transaction, and the relay that publishes them.

Depends on SQLAlchemy, on the events and on the log. It knows no table but its own two.
"""
