"""The command of the test's cluster leaves no control group behind."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.__main__ import CGROUPS, remove_group

ROOT = CGROUPS / "cpu" if (CGROUPS / "cpu").exists() else CGROUPS
ALIVE_S = 0.5


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Path]:
    """Yield a control group with another one in it, where the machine lets a test make one."""
    made = ROOT / f"test-{tmp_path.parent.parent.name}-{tmp_path.name}"
    try:
        (made / "below").mkdir(parents=True)
    except OSError:
        pytest.skip("may make no control groups")
    yield made
    for path in (made / "below", made):
        if path.exists():
            path.rmdir()


def test_a_control_group_is_removed_once_its_last_process_is_gone(group: Path) -> None:
    with subprocess.Popen(["sleep", str(ALIVE_S)]) as process:
        (group / "below" / "cgroup.procs").write_text(str(process.pid), "ascii")
        remove_group(group)
    assert not group.exists()
