"""`astratrade api`: the HTTP process."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.run import logs
from deploy.settings import load


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [default: ASTRA_API_HOST, or 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Port; 0 for a free one.  [default: ASTRA_API_PORT, or 8000]"
)
@data_dir_option
def api(host: str | None, port: int | None, data_dir: Path | None) -> None:
    """Run the API: ingress, queries, live feeds and the dashboard page.

    \b
    Example:
      astratrade api --host 0.0.0.0 --port 8080
    """
    settings = load(api_host=host, api_port=port, data_dir=data_dir)
    from deploy.run.api import request_context, serve  # noqa: PLC0415 - FastAPI takes a moment to import

    logs.configure(settings, "api", context=request_context)
    serve(settings)
