"""A module of the dashboard as JavaScript, for Node, which runs it as a browser does."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from deploy.dashboard.build import BuildError, packages
from deploy.dashboard.lock import SOURCE

NODE = shutil.which("node")


@pytest.fixture(scope="session")
def page_module(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that returns a module with all that it imports, such as of ``data/feeds.ts``."""
    folder = tmp_path_factory.mktemp("page")

    @cache
    def made(name: str) -> Path:
        try:
            installed = packages()
        except BuildError as exc:
            pytest.skip(str(exc))
        module = folder / Path(name).with_suffix(".mjs").name
        esbuild = str(installed / ".bin" / "esbuild")
        command = [esbuild, str(SOURCE / name), "--bundle", "--format=esm", f"--outfile={module}"]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "NODE_PATH": str(installed)})
        return module

    return made
