"""The sources of another revision, beside the checkout."""

from __future__ import annotations

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from tests.source import PYTHON_PATH, ROOT


class UnknownRevisionError(Exception):
    """Git knows no such revision. The message is git's."""


def unpack(revision: str, directory: Path) -> Path:
    """Write the sources of a revision into a directory; return it.

    Raises:
        UnknownRevisionError: the checkout has no such revision, or is none of git.
    """
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", revision]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise UnknownRevisionError(done.stderr.decode(errors="replace").strip())
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return directory


def python_path(tree: Path) -> str:
    """Return the PYTHONPATH by which a process imports the product of a tree."""
    return os.pathsep.join(str(tree / Path(entry).relative_to(ROOT)) for entry in PYTHON_PATH.split(os.pathsep))
