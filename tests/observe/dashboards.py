"""Write the dashboards of Grafana: `python -m tests.observe.dashboards`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, DataSourceRef

from tests.observe.chain_panels import CHAIN
from tests.observe.panels import BOARDS, Board, Panel
from tests.source import ROOT

DASHBOARDS: Final = ROOT / "deploy" / "observe" / "dashboards"
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
"""The user of a dashboard chooses among the installation's Prometheus servers."""

ORIGIN: Final = "http://127.0.0.1:8000"
"""Where Compose serves the product. The chart puts `settings.public_origin` in its place."""
COLUMNS: Final = 24
WIDTH, HEIGHT = 8, 8
NOW_WIDTH, NOW_HEIGHT = 4, 4


def built(board: Board) -> str:
    """Return a dashboard as JSON."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(f"astratrade-{board.name}")
        .description(board.about)
        .tags(["astratrade"])
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .readonly()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for title, path in board.views.items():
        made = made.link(_link(f"{title} in the product", f"{ORIGIN}{path}"))
    for title, panels in board.rows.items():
        made = made.with_row(dashboard.Row(title))
        for panel in panels:
            made = made.with_panel(_panel(panel))
    return json.dumps(json.loads(JSONEncoder(sort_keys=True).encode(made.build())), indent=1, sort_keys=True) + "\n"


def _link(title: str, url: str) -> dashboard.DashboardLink:
    """Return a link from the head of a dashboard, which opens in a tab of its own."""
    return (
        dashboard.DashboardLink(title)
        .type(DashboardLinkType.LINK)
        .icon("external link")
        .tooltip(url)
        .url(url)
        .tags([])
        .target_blank(True)
    )


def _panel(panel: Panel) -> stat.Panel | timeseries.Panel:
    made: Any = stat.Panel() if panel.now else timeseries.Panel()
    width, height = (NOW_WIDTH, NOW_HEIGHT) if panel.now else (WIDTH, HEIGHT)
    made = (
        made.title(panel.title).description(panel.about).unit(panel.unit).datasource(SOURCE).span(width).height(height)
    )
    for name, query in zip("ABCDEFGH", panel.queries, strict=False):
        made = made.with_target(
            prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(name).datasource(SOURCE)
        )
    found: stat.Panel | timeseries.Panel = made
    return found


def files() -> dict[str, str]:
    """Return the content of each file, by its name."""
    return {f"{board.name}.json": built(board) for board in (*BOARDS, CHAIN)}


def panels(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the panels of a dashboard's JSON, without its rows."""
    for panel in document["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", ())
        else:
            yield panel


def write(directory: Path = DASHBOARDS) -> None:
    """Write the files."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (directory / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write()
    sys.stdout.write(f"{DASHBOARDS.relative_to(ROOT)} is up to date\n")
