"""The graph of the pipeline: each edge has the rate and the lag that the API tells, and no box lies on another."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from streams.edges import edges
from tables.domains import TOPOLOGY

Called = Callable[[str, list[list[Any]]], list[Any]]
COMMANDS, EVENTS, SHARED = "astra.trading.commands.v1", "astra.trading.events.v1", "astra.notifications.v1"


def test_an_edge_has_the_rate_and_the_lag_of_its_domain_or_topic(called: Called) -> None:
    ends = [("clients", COMMANDS), (COMMANDS, "trading"), ("trading", SHARED), ("nft", SHARED), (EVENTS, "nft")]
    topology = {"edges": [{"source": source, "target": target} for source, target in ends]}
    domains = [
        {"domain": "trading", "rates": {COMMANDS: 4.5}, "lag": {"partitions": {COMMANDS: {"0": 2, "1": 3}}}},
        {"domain": "nft", "rates": {EVENTS: None}, "lag": {"partitions": {}}},
    ]
    state = {"domains": domains, "topics": [{"topic": COMMANDS, "per_second": 5}, {"topic": SHARED, "per_second": 9}]}
    shown, unknown = called("views/pipeline/flow_edges.ts", [["flowing", topology, state], ["flowing", topology, None]])
    assert [(edge["rate"], edge["lag"]) for edge in shown] == [
        (5, None),
        (4.5, 5),
        (None, None),  # the API cannot tell which of two domains appended
        (None, None),
        (None, None),
    ]
    assert all(edge["rate"] is None and edge["lag"] is None for edge in unknown)


def test_the_whole_topology_is_laid_out_without_a_box_on_another(called: Called) -> None:
    sources = ["clients", *dict.fromkeys(name for names in TOPOLOGY.sources.values() for name in names)]
    topology = {
        "sources": sources,
        "domains": [{"domain": name} for name in TOPOLOGY.names],
        "topics": [{"topic": topic} for topic in TOPOLOGY.topics],
        "edges": [edge._asdict() for edge in edges(TOPOLOGY)],
    }
    [drawing] = called("views/pipeline/layout.ts", [["laidOut", topology]])
    nodes = drawing["nodes"]
    assert {node["name"] for node in nodes} == {*sources, *TOPOLOGY.names, *TOPOLOGY.topics}
    for one, other in itertools.combinations(nodes, 2):
        apart = max(
            abs(one["x"] - other["x"]) - (one["width"] + other["width"]) / 2,
            abs(one["y"] - other["y"]) - (one["height"] + other["height"]) / 2,
        )
        assert apart > 0, (one["name"], other["name"])
    assert all(0 < node["x"] < drawing["width"] and 0 < node["y"] < drawing["height"] for node in nodes)
    assert [(line["source"], line["target"]) for line in drawing["lines"]] == list(edges(TOPOLOGY))
    assert all(line["path"].startswith("M") for line in drawing["lines"])
