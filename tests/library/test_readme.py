"""Run the programs in the library's README, and check its statements about the public API."""

import asyncio
import inspect
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import faust
import faust_redis
import pytest
from faust_redis.log import Log
from faust_redis.testing import TestDriver

from tests.e2e.children import Child
from tests.library.examples import Example, environment_of
from tests.library.readme import COMMAND, OUTPUT, PROGRAMS, README, blocks, printed, program


async def test_the_application_prints_what_the_readme_says_and_the_admin_client_describes_it(
    log: Log, tmp_path: Path
) -> None:
    url = f"{log.url}?namespace={log.keys.namespace}"
    (tmp_path / "shop.py").write_text(program("shop.py", url))
    (tmp_path / "look.py").write_text(program("admin", url))
    environment = environment_of(log, FAUST_DATADIR=str(tmp_path / "data"))
    shop = Child("shop", [sys.executable, str(tmp_path / "shop.py"), *COMMAND], environment, tmp_path)
    example = Example(log, [shop])
    try:
        await example.table("shop-totals-changelog", {"ada": 12, "bob": 3})
        look = await asyncio.create_subprocess_exec(
            sys.executable, str(tmp_path / "look.py"), stdout=asyncio.subprocess.PIPE, env=environment
        )
        described = (await look.communicate())[0].decode()
        assert re.fullmatch(r"shop stable 1 members, \d records behind\n", described)
        assert shop.stop(), shop.last_words()
        assert shop.exit_code == 0
    finally:
        if shop.exit_code is None:
            shop.kill()
    assert printed(shop.output()) == OUTPUT, shop.output()


def test_the_test_that_the_readme_shows_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = ModuleType("shop")
    exec(program("shop.py", "redis://unused").replace("@app.task", ""), vars(shop))
    monkeypatch.setitem(sys.modules, "shop", shop)
    names: dict[str, object] = {}
    exec(program("test", ""), names)
    test = names["test_orders_are_added_up"]
    assert callable(test)
    test()


def test_the_batch_agent_that_the_readme_shows_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("clicks")
    monkeypatch.setitem(sys.modules, "clicks", module)  # msgspec looks up annotations in the module.
    exec(program("batches", "redis://unused"), vars(module))
    with TestDriver(vars(module)["app"]) as driver:
        for user in ("ada", "ada", "bob"):
            driver.pipe("clicks", {"user": user}, key=user)
        assert driver.table("counts") == {"ada": 2, "bob": 1}


def test_the_hooks_that_the_readme_shows_see_commits(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(program("hooks", "redis://unused"), names)
    app: faust.App = names["app"]

    @app.agent(app.topic("in", value_type=str))
    async def pass_on(stream: Any) -> None:
        async for value in stream:
            await app.topic("out", value_type=str).send(value=value)

    with TestDriver(app) as driver:
        driver.pipe("in", "x")
    assert re.search(r"^1 records and 1 offsets in \d+\.\d ms$", capsys.readouterr().out, re.MULTILINE)


def test_every_program_of_the_readme_is_run() -> None:
    run = [program(name, "redis://localhost:6379") for name in PROGRAMS]
    assert sorted(blocks("python")) == sorted(run)


def test_the_readme_lists_the_public_api() -> None:
    section = README.read_text("utf-8").partition("## Beyond Faust")[2].partition("###")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(faust_redis.__all__)


@pytest.mark.parametrize("name", faust_redis.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert len(inspect.getdoc(getattr(faust_redis, name)) or "") > 20


def test_the_version_is_stated_once_in_each_place() -> None:
    project = tomllib.loads((README.parent / "pyproject.toml").read_text())["project"]
    assert project["version"] == faust_redis.__version__
    assert f"## {faust_redis.__version__} " in (README.parent / "CHANGELOG.md").read_text()
