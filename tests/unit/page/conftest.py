"""Calls functions of the dashboard's modules in Node."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.page_module import NODE, page_module

__all__ = ["page_module"]

Calls = list[list[Any]]


@pytest.fixture
def called(page_module: Callable[[str], Path]) -> Callable[[str, Calls], list[Any]]:
    """Return a function that returns the results of calls of a module: each a name and its arguments."""
    if NODE is None:
        pytest.skip("needs Node")

    def results(module: str, calls: Calls) -> list[Any]:
        command = [str(NODE), str(Path(__file__).with_name("call.mjs")), str(page_module(module))]
        done = subprocess.run(command, input=json.dumps(calls), capture_output=True, text=True, check=True)
        found: list[Any] = json.loads(done.stdout)
        return found

    return results
