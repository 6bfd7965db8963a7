"""The domains that the API serves: all of the topology, each in its module `api.<domain>`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from api.kit.commands.admission import WhenDelayed
from api.kit.domain import DomainApi
from streams.events.base import EventData
from streams.topology import Domain, Topology, TopologyError


def load(topology: Topology) -> tuple[DomainApi, ...]:
    """Return what each domain adds to the API.

    Raises:
        TopologyError: when a domain's routes do not accept the commands that the topology declares.
    """
    return tuple(_load(domain) for domain in topology.domains)


def policies(topology: Topology, served: Sequence[DomainApi]) -> Mapping[str, Mapping[type[EventData], WhenDelayed]]:
    """Return for each domain what the API does with its commands while the domain is delayed."""
    accepted = {command: one.when_delayed for api in served for command, one in api.commands.items()}
    return {
        domain.name: {command: accepted[command] for command in domain.commands if command in accepted}
        for domain in topology.domains
    }


def _load(domain: Domain) -> DomainApi:
    module = import_module(f"api.{domain.name}")
    api: DomainApi = module.API
    if set(api.commands) != set(domain.commands):
        accepted, declared = _names(api.commands), _names(domain.commands)
        raise TopologyError(f"{module.__name__} accepts {accepted}; the topology declares {declared}")
    return api


def _names(models: object) -> str:
    return ", ".join(sorted(model.__name__ for model in models)) or "no commands"  # type: ignore[attr-defined]
