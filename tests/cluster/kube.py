"""kubectl and helm on the test's cluster."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.cluster import RELEASE, binaries

COMMAND_S = 600.0


class Kube:
    """A client of one cluster."""

    def __init__(self, kubeconfig: Path) -> None:
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HELM_CACHE_HOME": str(kubeconfig.parent)}

    def run(self, *arguments: str, text: str | None = None) -> str:
        """Run kubectl and return its output.

        Raises:
            AssertionError: it failed.
        """
        return self._run("kubectl", *arguments, text=text)

    def helm(self, *arguments: str) -> str:
        """Run helm and return its output.

        Raises:
            AssertionError: it failed.
        """
        return self._run("helm", *arguments)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start kubectl without waiting for its end."""
        command = [str(binaries.program("kubectl")), *arguments]
        return subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def succeeds(self, *arguments: str, text: str | None = None) -> bool:
        """Return whether kubectl succeeds."""
        return self._process("kubectl", *arguments, text=text).returncode == 0

    def get(self, *arguments: str) -> Any:
        """Return objects as Python values."""
        return json.loads(self.run("get", *arguments, "--output=json"))

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create or change objects."""
        self.run("apply", "--filename=-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def pods(self, part: str) -> list[dict[str, Any]]:
        """Return the pods of a part of the product that are not about to end, by name."""
        labels = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component={part}"
        found = self.get("pods", f"--selector={labels}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def _run(self, name: str, *arguments: str, text: str | None = None) -> str:
        done = self._process(name, *arguments, text=text)
        assert done.returncode == 0, f"{name} {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def _process(self, name: str, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(binaries.program(name)), *arguments]
        return subprocess.run(
            command, env=self._environment, input=text, capture_output=True, text=True, check=False, timeout=COMMAND_S
        )
