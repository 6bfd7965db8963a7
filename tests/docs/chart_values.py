"""The table of the chart's values, from its defaults and its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import yaml

from tests.source import ROOT

CHART: Final = ROOT / "deploy" / "chart" / "astratrade"
HELMS_OWN: Final = "global"
EACH_DOMAIN: Final = "workers.domains"

Schema = dict[str, Any]


def chart_values_table() -> str:
    """Return a Markdown table of all values: path, default, what is accepted, meaning."""
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    rows = [
        f"| `{path}` | {_shown(default)} | {_accepted(value)} | {value['description']} |"
        for path, default, value in _leaves(schema, values, "", schema["definitions"])
    ]
    return "\n".join(["| Value | Default | Accepted | Meaning |", "|---|---|---|---|", *rows])


def _leaves(schema: Schema, values: Any, path: str, definitions: Schema) -> Iterator[tuple[str, Any, Schema]]:
    for name, value in schema["properties"].items():
        resolved = definitions[value["$ref"].rpartition("/")[2]] if "$ref" in value else value
        below = f"{path}.{name}".removeprefix(".")
        if below == EACH_DOMAIN:
            first = next(iter(resolved["properties"]))
            yield from _leaves(resolved["properties"][first], values[name][first], f"{below}.NAME", definitions)
        elif "$ref" not in value and "properties" in resolved:
            yield from _leaves(resolved, values[name], below, definitions)
        elif name != HELMS_OWN:
            yield below, values[name], resolved


def _shown(default: Any) -> str:
    if isinstance(default, dict) and "requests" in default:
        requests, limits = default["requests"], default["limits"]
        return f"{requests['cpu']}, {requests['memory']}; at most {limits['memory']}"
    return f"`{json.dumps(default)}`" if default not in ("", [], {}) else ""


def _accepted(value: Schema) -> str:
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if "minimum" in value:
        return f"{value['minimum']} to {value['maximum']}"
    return {"boolean": "true or false", "array": "a list", "object": "a map", "string": "text"}[value["type"]]
