"""Sends spans to an OpenTelemetry collector, by OTLP over HTTP."""
