"""The client's wheel alone, with the packages that it names and nothing else, follows a feed. No index is asked."""

import asyncio
import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement

from streams.units import USD_UNIT
from tables.boards import group
from tests.integration.api.support import Worker
from tests.integration.api.test_client_readme import CLIENT, programs

pytestmark = pytest.mark.slow


def wheel(directory: Path) -> Path:
    """Build the wheel from a copy without the output of earlier builds."""
    copy = directory / "source"
    subprocess.run(["cp", "-r", str(CLIENT), str(copy)], check=True)
    subprocess.run(["rm", "-rf", str(copy / "build")], check=True)
    build = "from setuptools import build_meta as b; b.build_wheel('..')"
    subprocess.run([sys.executable, "-c", build], cwd=copy, check=True, capture_output=True)
    [built] = directory.glob("*.whl")
    return built


def requirements(names: list[str], found: dict[str, Distribution]) -> dict[str, Distribution]:
    """Return the distributions that these requirements need, and those that they need in turn."""
    for text in names:
        requirement = Requirement(text)
        if requirement.name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            found[requirement.name] = distribution(requirement.name)
        except PackageNotFoundError:
            continue  # not needed on this Python
        requirements(found[requirement.name].requires or [], found)
    return found


async def test_the_wheel_and_what_it_names_are_enough(
    server: httpx.AsyncClient, worker: Worker, tmp_path: Path
) -> None:
    await worker.rank(group("volume", "global", "all"), "ada", 30 * USD_UNIT)
    built = wheel(tmp_path)
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    python = tmp_path / "env/bin/python"
    [site] = (tmp_path / "env/lib").glob("python*/site-packages")
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
        [metadata] = [name for name in names if name.endswith("METADATA")]
        needed = re.findall(r"^Requires-Dist: (.*)$", archive.read(metadata).decode(), re.MULTILINE)
        archive.extractall(site)
    assert {Requirement(text).name for text in needed} == {"httpx", "sniffio", "websockets"}
    assert "astratrade_client/py.typed" in names
    for installed in requirements(needed, {}).values():
        for top in {file.parts[0] for file in installed.files or () if file.parts[0] != ".."}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(installed.locate_file(top))))
    program = programs()[0].replace("http://127.0.0.1:8000", str(server.base_url))
    (tmp_path / "program.py").write_text(program)
    done = await run_isolated(python, tmp_path / "program.py")
    assert done == "the top is {'ada': '30.00'}\n"


async def run_isolated(python: Path, program: Path) -> str:
    """Run a program without this tree on its path."""

    process = await asyncio.create_subprocess_exec(
        python, "-I", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    return (await process.communicate())[0].decode()
