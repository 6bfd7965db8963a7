"""Run the bundler: npm installs what the lock names, TypeScript checks the sources, esbuild bundles them.

Nothing of it depends on the machine, the folder or the time: two builds give the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from deploy.dashboard.lock import PAGE, SETTINGS, SOURCE

INSTALL_S: Final = 300
RUN_S: Final = 120
COPIED: Final = ("icon.svg",)
LICENCES: Final = "licences.txt"
BUNDLE: Final = (
    "source/main.tsx", "--bundle", "--splitting", "--format=esm", "--minify", "--target=es2022", "--charset=utf8",
    "--jsx=automatic", "--jsx-import-source=preact", "--legal-comments=none", "--outdir=out",
    "--entry-names=app-[hash]", "--chunk-names=part-[hash]", "--metafile=meta.json",
)  # fmt: skip


class BuildError(Exception):
    """The dashboard cannot be built: Node is not here, or the sources have errors."""


def is_node_here() -> bool:
    """Return whether Node and npm are found."""
    return shutil.which("node") is not None and shutil.which("npm") is not None


def build() -> dict[str, bytes]:
    """Return the built files by name.

    Raises:
        BuildError: Node is not found, the packages cannot be installed, or the sources have errors.
    """
    if not is_node_here():
        raise BuildError("a build needs node 20 or later and npm, and they are not found; the product needs neither")
    with tempfile.TemporaryDirectory(prefix="astra-page-") as folder:
        work = Path(folder)
        for name in SETTINGS:
            shutil.copy(PAGE / name, work)
        shutil.copytree(SOURCE, work / "source")
        (work / "node_modules").symlink_to(packages(), target_is_directory=True)
        _run(work, "tsc", "--noEmit")
        _run(work, "esbuild", *BUNDLE, "--preserve-symlinks")
        return _files(work)


def packages(locked_in: Path = PAGE) -> Path:
    """Return the folder with the packages that a lock names. It is installed once for each lock, into the cache folder.

    Raises:
        BuildError: npm cannot install them.
    """
    digest = hashlib.sha256((locked_in / "package-lock.json").read_bytes()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "astratrade-page" / digest
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as folder:
            _install(locked_in, Path(folder))
            with contextlib.suppress(OSError):  # another process was first
                Path(folder).rename(home)
            Path(folder).mkdir(exist_ok=True)  # what the context removes
    return home / "node_modules"


def _install(locked_in: Path, folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(locked_in / name, folder)
    done = _called(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, INSTALL_S)
    if done.returncode:
        raise BuildError(f"npm cannot install the packages: {done.stderr.strip()[-500:]}")


def _run(work: Path, tool: str, *parameters: str) -> None:
    command = [str(work / "node_modules" / ".bin" / tool), *parameters]
    done = _called(command, work, RUN_S)
    if done.returncode:
        raise BuildError(f"{tool} found errors:\n{(done.stdout + done.stderr).strip()}")


def _called(command: list[str], folder: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise BuildError(f"{command[0]} cannot be run: {exc}") from exc


def _files(work: Path) -> dict[str, bytes]:
    meta: dict[str, Any] = json.loads((work / "meta.json").read_text())
    files = {path.name: path.read_bytes() for path in (work / "out").iterdir()}
    files |= {name: (SOURCE / name).read_bytes() for name in COPIED}
    script, style = (
        next(name for name in files if name.startswith("app-") and name.endswith(end)) for end in (".js", ".css")
    )
    preloads = [f'<link rel="modulepreload" href="/page/{name}">' for name in _imported(meta["outputs"], script)]
    index = (SOURCE / "index.html").read_text().replace("SCRIPT", script).replace("STYLE", style)
    files["index.html"] = index.replace("PRELOADS", "\n  ".join(preloads)).encode()
    files[LICENCES] = _licences(work, meta["inputs"]).encode()
    return files


def _imported(outputs: Mapping[str, Any], script: str) -> list[str]:
    """Return the files that a script imports at its start. The page names them, so a browser loads them all at once."""
    found: dict[str, None] = {}
    waiting = [f"out/{script}"]
    while waiting:
        for one in outputs[waiting.pop()]["imports"]:
            if one["kind"] == "import-statement" and one["path"] not in found:
                found[one["path"]] = None
                waiting.append(one["path"])
    return sorted(path.removeprefix("out/") for path in found)


def _licences(work: Path, inputs: Mapping[str, object]) -> str:
    """Return the names, versions and licences of the packages in the bundle, with their texts."""
    parts = []
    for name in sorted(_packages_of(inputs)):
        folder = work / "node_modules" / name
        about = json.loads((folder / "package.json").read_text())
        texts = [path.read_text().strip() for path in sorted(folder.glob("LICENSE*"))]
        parts.append("\n\n".join([f"{name} {about['version']}: {about['license']}", *texts]))
    return "\n\n----\n\n".join(parts) + "\n"


def _packages_of(inputs: Iterable[str]) -> set[str]:
    inside = [path.rpartition("node_modules/")[2].split("/") for path in inputs if "node_modules/" in path]
    return {"/".join(names[:2]) if names[0].startswith("@") else names[0] for names in inside}
