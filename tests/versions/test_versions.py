"""A slice of `python -m tests.versions`, in which both versions are the checkout's last commit."""

from pathlib import Path

import pytest

from tests.source import ROOT
from tests.versions.__main__ import Options, main, run
from tests.versions.tree import python_path, unpack

IN_GIT = (ROOT / ".git").exists()


@pytest.mark.skipif(not IN_GIT, reason="the checkout is none of git, so it has no older revision")
class TestRevisions:
    def test_an_unknown_revision_is_refused_in_one_line(self) -> None:
        with pytest.raises(SystemExit, match=r"^versions: fatal: not a valid object name: no-such-revision$"):
            main(["--old", "no-such-revision"])

    def test_a_process_of_a_revision_imports_its_sources(self, tmp_path: Path) -> None:
        tree = unpack("HEAD", tmp_path)
        assert (tree / "deploy" / "bootstrap.py").is_file()
        assert all(Path(entry).is_relative_to(tree) for entry in python_path(tree).split(":"))

    @pytest.mark.heavy
    def test_two_versions_share_the_partitions_and_change_places_and_every_row_is_right(self) -> None:
        said: list[str] = []
        options = Options(old="HEAD", seconds=8.0, users=20, every_s=2.0, round_s=0.0)
        assert run(options, said.append) == []
        assert any("stop the old worker" in line for line in said)
