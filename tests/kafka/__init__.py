"""Kafka: the brokers that tests run on, and tests of the bridge between Kafka and the views."""
