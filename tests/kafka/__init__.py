"""Kafka: the brokers that tests run on, and tests of what runs between Kafka and the views."""
