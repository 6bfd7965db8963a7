"""Run the programs of the client's README against a real API."""

import re
import tomllib
from pathlib import Path
from typing import Any

import astratrade_client
import httpx
import pytest

from streams.units import USD_UNIT
from tables.boards import group
from tests.integration.api.support import Worker, token
from tests.source import ROOT

CLIENT = ROOT / "api/astratrade-client"
README = CLIENT / "README.md"


def programs() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)


async def run(program: str, server: httpx.AsyncClient) -> None:
    """Run a program in this event loop, with the server's URL and a token of ada."""
    assert program.endswith("asyncio.run(main())\n")
    text = program.replace("http://127.0.0.1:8000", str(server.base_url)).replace("TOKEN", token("ada"))
    names: dict[str, Any] = {}
    exec(text.replace("asyncio.run(main())\n", ""), names)
    await names["main"]()


OUTPUTS = (r"the top is \{'ada': '30.00'\}\n", r"accepted as [0-9a-f-]{36}\n")


@pytest.mark.parametrize(("number", "printed"), list(enumerate(OUTPUTS)))
async def test_the_programs_of_the_readme_print_what_they_say(
    server: httpx.AsyncClient, worker: Worker, capsys: pytest.CaptureFixture[str], number: int, printed: str
) -> None:
    program = programs()[number]
    assert len(programs()) == len(OUTPUTS)
    await worker.rank(group("volume", "global", "all"), "ada", 30 * USD_UNIT)
    await run(program, server)
    assert re.fullmatch(printed, capsys.readouterr().out)


def test_the_version_is_stated_once_in_each_place() -> None:
    project = tomllib.loads(Path(CLIENT / "pyproject.toml").read_text())["project"]
    assert project["version"] == astratrade_client.__version__
