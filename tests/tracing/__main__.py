"""`python -m tests.tracing FILE.svg`: run the product, trace one fill, and draw its spans, also as FILE.png."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from tests.tracing.screenshot import BROWSERS, browser, screenshot
from tests.tracing.traced import TRACE, follow_a_fill, traced_pipeline
from tests.tracing.waterfall import picture


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def draw(file: Path) -> None:
    """Run API, worker and broker, report one fill to them, and write the picture of its trace to FILE.

    A Chromium, where there is one, also makes a PNG of it.
    """
    with tempfile.TemporaryDirectory() as directory, traced_pipeline(Path(directory)) as (pipeline, collector):
        events = follow_a_fill(pipeline, collector)
        spans = collector.of(TRACE)
        title = f"one fill: {len(spans)} spans of {len(events)} events, in milliseconds"
        file.write_text(picture(spans, title), "utf-8")
        click.echo(f"{file}: {title}")
    program = browser()
    if program is None:
        click.echo(f"no PNG, because none of {', '.join(BROWSERS)} is installed")
    else:
        click.echo(f"{screenshot(program, file)}: the same")


if __name__ == "__main__":
    draw()
