"""Events: models of their data by domain, the CloudEvents envelope, and the codec. May depend on `streams` only."""

from streams.events.base import Command, EventData
from streams.events.codec import CATALOGUE, UndecodableEventError, decode, encode
from streams.events.envelope import AnyEvent, Event

__all__ = ["CATALOGUE", "AnyEvent", "Command", "Event", "EventData", "UndecodableEventError", "decode", "encode"]
