"""Build the programs of a Kubernetes cluster from their Go modules, and keep them: `python -m tests.cluster.binaries`.

No registry of packages has these programs as such. The Go module proxy has their sources, and building them takes some
20 minutes of two cores, once: the result stays in `$XDG_CACHE_HOME/astratrade-cluster`, by version.
"""

# ruff: noqa: T201 - it prints its progress

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPORT_EVERY_S = 20.0
OUTPUT_LINES = 25


@dataclass(frozen=True)
class Source:
    """A Go module, its version, and the programs to build of it, in groups that share a run of the compiler.

    Attributes:
        staged: the version of the modules that its `go.mod` takes from its own folder `staging`, or None.
        main: a program of our own to compile instead of one of the module's packages, or None.
        stamp: packages whose variable `gitVersion` gets the version.
    """

    name: str
    module: str
    version: str
    programs: tuple[tuple[str, ...], ...]
    staged: str | None = None
    main: str | None = None
    stamp: tuple[str, ...] = ()


COREDNS_MAIN = """\
package main

import (
\t"github.com/coredns/coredns/core/dnsserver"
\t"github.com/coredns/coredns/coremain"
\t_ "github.com/coredns/coredns/plugin/bind"
\t_ "github.com/coredns/coredns/plugin/cache"
\t_ "github.com/coredns/coredns/plugin/errors"
\t_ "github.com/coredns/coredns/plugin/kubernetes"
)

func init() { dnsserver.Directives = []string{"bind", "errors", "cache", "kubernetes"} }

func main() { coremain.Run() }
"""

HELM = Source("helm", "helm.sh/helm/v3", "v3.22.0", (("cmd/helm",),))
KUBERNETES = Source(
    "kubernetes", "k8s.io/kubernetes", "v1.34.4",
    (("cmd/kube-apiserver", "cmd/kubectl"), ("cmd/kube-controller-manager", "cmd/kube-scheduler"),
     ("cmd/kubelet", "cmd/kube-proxy")),
    staged="v0.34.4", stamp=("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"),
)  # fmt: skip
COREDNS = Source("coredns", "github.com/coredns/coredns", "v1.14.7", (("coredns",),), main=COREDNS_MAIN)
SOURCES = (HELM, KUBERNETES, COREDNS)
"""All that is built, in this order. Each version stands here and nowhere else."""


class CannotBuildError(Exception):
    """A program is missing and cannot be built on this machine."""


def cache() -> Path:
    """Return the folder in which built programs are kept for later runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "astratrade-cluster"


def folder(source: Source) -> Path:
    """Return the folder that has the programs of a source, or will have them."""
    return cache() / f"{source.name}-{source.version}"


def program(name: str) -> Path:
    """Return the path of a built program, whether it exists or not."""
    return next(folder(source) / name for source in SOURCES if name in names(source))


def path() -> str:
    """Return the folders of all programs, as PATH has them."""
    return os.pathsep.join(str(folder(source)) for source in SOURCES)


def names(source: Source) -> list[str]:
    """Return the file names of the programs of a source."""
    return [Path(package).name for group in source.programs for package in group]


def is_built(source: Source) -> bool:
    """Return whether all programs of a source are in the cache."""
    return all((folder(source) / name).exists() for name in names(source))


def provide(sources: tuple[Source, ...] = SOURCES) -> None:
    """Build what the cache lacks.

    Raises:
        CannotBuildError: there is no Go, or the compiler failed.
    """
    for source in sources:
        if not is_built(source):
            _Build(source).run()


class _Build:
    """One build, in a temporary folder whose programs are moved into the cache at its end."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._go = shutil.which("go") or ""
        if not self._go:
            raise CannotBuildError(f"{source.name} {source.version} is not built yet, and there is no Go to build it")
        self._began = time.monotonic()

    def run(self) -> None:
        """Make a module that requires the source, compile the programs, and keep them."""
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache(), prefix=".building-") as temporary:
            self._module, built = Path(temporary) / "module", Path(temporary) / "built"
            self._module.mkdir()
            built.mkdir()
            self._write_module()
            for group in self._source.programs:
                self._compile(group, built)
            built.rename(folder(self._source))
        self._say("built")

    def _write_module(self) -> None:
        """Write `go.mod`: the module itself, and a version for each module that it takes from its own folder."""
        at = f"{self._source.module}@{self._source.version}"
        self._say("fetching the sources")
        found = json.loads(self._run("mod", "download", "-json", at, at=cache()))
        theirs = Path(found["GoMod"]).read_text("utf-8")
        lines = ["module astratrade.invalid/cluster", *re.findall(r"^go .*$", theirs, re.MULTILINE)]
        lines.append(f"require {self._source.module} {self._source.version}")
        if self._source.staged:
            staged = sorted(set(re.findall(r"^\s*(?:replace )?(\S+) => \./staging/", theirs, re.MULTILINE)))
            lines += [f"replace {module} => {module} {self._source.staged}" for module in staged]
        (self._module / "go.mod").write_text("\n".join(lines) + "\n", "utf-8")
        if self._source.main:
            (self._module / "main.go").write_text(self._source.main, "utf-8")

    def _compile(self, group: tuple[str, ...], built: Path) -> None:
        packages = ["."] if self._source.main else [f"{self._source.module}/{package}" for package in group]
        target = built / group[0] if self._source.main else f"{built}/"
        stamps = " ".join(f"-X {package}.gitVersion={self._source.version}" for package in self._source.stamp)
        command = ["build", "-v", "-mod=mod", "-trimpath", f"-ldflags=-s -w {stamps}", "-o", str(target), *packages]
        self._run(*command, at=self._module, of=" and ".join(Path(package).name for package in group))

    def _run(self, *arguments: str, at: Path, of: str = "") -> str:
        """Run Go and return its output; say every while how many packages it has compiled."""
        command = ["nice", "-n", "10", self._go, *arguments]
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(command, cwd=at, env=environment, stdout=output, stderr=errors)
            while not _ended(process):
                if of:
                    self._say(f"compiling {of}: {_text(errors).count(chr(10))} packages")
            if process.returncode:
                tail = "\n".join(_text(errors).splitlines()[-OUTPUT_LINES:])
                raise CannotBuildError(f"building {self._source.name} {self._source.version} failed:\n{tail}")
            return _text(output)

    def _say(self, what: str) -> None:
        print(
            f"binaries: {time.monotonic() - self._began:5.0f} s  {self._source.name} {self._source.version}: {what}",
            file=sys.stderr, flush=True,
        )  # fmt: skip


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(REPORT_EVERY_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _text(file: object) -> str:
    """Return all that a process has written so far to a file that it has open."""
    return Path(f"/proc/self/fd/{file.fileno()}").read_text("utf-8", errors="replace")  # type: ignore[attr-defined]


if __name__ == "__main__":
    try:
        provide()
    except CannotBuildError as exc:
        sys.exit(str(exc))
