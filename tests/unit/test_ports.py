"""Servers of tests get ports of their own, also those of two test processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import ports

FEW = range(19_100, 19_140)
DRAW = f"""
from tests import ports
ports.PORTS = {FEW!r}
print(*(ports.free_port() for _ in range(8)), flush=True)
input()
"""


def test_two_processes_never_draw_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PORTS", FEW)
    with subprocess.Popen([sys.executable, "-c", DRAW], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        drawn = {int(port) for port in other.stdout.readline().split()}
        mine = {ports.free_port() for _ in range(4)}
        other.communicate(b"\n", timeout=10)
    assert (len(drawn), len(mine), drawn & mine) == (8, 4, set())
