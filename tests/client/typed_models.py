"""Write the client's models from the OpenAPI document: `python -m tests.client.typed_models`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from api.app import create_app
from tests.integration.api.support import config_of

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "api/astratrade-client/src/astratrade_client"
USED: Final[Mapping[str, tuple[str, ...]]] = {
    "models.py": (
        "Accepted", "AcceptedBatch", "AcceptedTrade", "BoardPage", "FeesAnswer", "FillBatch", "OpenTradesAnswer",
        "Order", "PortfolioAnswer", "PositionsAnswer", "PriceBatch", "PricesAnswer", "ProblemDocument",
        "ProgressAnswer", "SignedInAnswer", "TradingAccountAnswer", "UserRanks", "UserStanding", "WalletAnswer",
        "WalletChallengeAnswer",
    ),
    "windows.py": ("CandlesAnswer", "DaysAnswer", "FeeHoursAnswer", "HoursAnswer"),
}  # fmt: skip
"""The schemas that the client's methods name, by module; schemas that these refer to follow."""

HEAD: Final = '''"""The bodies and answers of the API, generated from its OpenAPI document.

`python -m tests.client.typed_models` in the product's repository writes this file.
"""

from __future__ import annotations

'''
TYPING: Final = ("Any", "Literal", "NotRequired", "TypedDict")
SIMPLE: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
LINE_MAX: Final = 116

Schema = Mapping[str, Any]


def document() -> dict[str, Any]:
    """Return the OpenAPI document of the API."""
    return create_app(config_of("redis://unused")).openapi()


def models(schemas: Mapping[str, Schema], used: Iterable[str]) -> str:
    """Return a module: a TypedDict for each schema that is used."""
    names = sorted(set(_reached(schemas, used)))
    body = "".join(f"\n\n{_typed_dict(name, schemas[name])}" for name in names)
    imported = ", ".join(name for name in TYPING if re.search(rf"\b{name}\b", body))
    return f"{HEAD}from typing import {imported}\n{body}"


def _reached(schemas: Mapping[str, Schema], names: Any) -> Iterator[str]:
    for name in names:
        yield name
        yield from _reached(schemas, _references(schemas[name]))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _typed_dict(name: str, schema: Schema) -> str:
    required = set(schema.get("required", ()))
    text = textwrap.fill(f'"""{schema.get("description", name + ".")}"""', LINE_MAX, subsequent_indent="    ")
    lines = [f"class {name}(TypedDict):", f"    {text}", ""]
    for member, one in schema["properties"].items():
        kind = _type(one)
        lines.append(f"    {member}: {kind if member in required else f'NotRequired[{kind}]'}")
    return "\n".join(lines) + "\n"


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return f"Literal[{', '.join(repr(one) for one in schema['enum'])}]".replace("'", '"')
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list[{_type(schema['items'])}]"
    if schema.get("type") == "object":
        extra = schema.get("additionalProperties")
        return f"dict[str, {_type(extra) if isinstance(extra, Mapping) else 'Any'}]"
    return SIMPLE.get(schema.get("type", ""), "Any")


def current() -> dict[Path, str]:
    """Return the modules as they should be."""
    schemas = document()["components"]["schemas"]
    return {PACKAGE / name: models(schemas, used) for name, used in USED.items()}


if __name__ == "__main__":
    for path, text in current().items():
        path.write_text(text, "utf-8")
