"""Events: models of their data by domain, the CloudEvents envelope, and the codec. May depend on `streams` only.

Importing the package imports every module in it, so that each event class is in `CATALOGUE`.
"""

import importlib
import pkgutil

from streams.events.base import CATALOGUE, Command, EventData
from streams.events.codec import UndecodableEventError, decode, encode
from streams.events.envelope import AnyEvent, Event

__all__ = ["CATALOGUE", "AnyEvent", "Command", "Event", "EventData", "UndecodableEventError", "decode", "encode"]

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
