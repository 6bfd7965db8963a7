"""Fixtures of the cluster's tests: they run in the namespaces that `python -m tests.cluster` makes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import VARIABLE
from tests.cluster.kube import Kube
from tests.cluster.product import Product


@pytest.fixture(scope="session")
def folder() -> Path:
    """Return the folder of the cluster."""
    if VARIABLE not in os.environ:
        pytest.skip("starts Kubernetes and takes a quarter of an hour; runs by python -m tests.cluster")
    return Path(os.environ[VARIABLE])


@pytest.fixture(scope="session")
def product(folder: Path) -> Product:
    """Return the installed product, with the packaged fills."""
    product = Product(Kube(folder / "kubeconfig"), folder)
    product.install()
    product.replay_sample()
    return product


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return a function that prints a figure which the test measured."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"    {text}", flush=True)  # noqa: T201

    return say
