"""The product that the browser tests look at: real processes, with the sample replayed and accounts that sign in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.e2e.pipeline import Pipeline

PASSWORD: Final = "a long password of the browser tests"


@contextmanager
def product(directory: Path) -> Iterator[Pipeline]:
    """Run the product with one worker, relay and clock, and replay the sample with its prices."""
    with Pipeline(directory, workers=1, api=False) as pipeline:
        pipeline.start_api(ASTRA_RATE_LIMIT_FACTOR="100")  # all people of the tests have one address
        pipeline.wait_until_ready()
        pipeline.start("relay", "relay")
        pipeline.start("clock", "clock")
        pipeline.run("replay", "sample", "--marks", "--tick")
        yield pipeline


def account(pipeline: Pipeline, role: str = "user") -> str:
    """Register a new account, give it a role, and return its name."""
    name = f"{role}-{secrets.token_hex(4)}"
    with pipeline.client_with(None) as client:
        answer = client.post("/v1/auth/register", json={"username": name, "password": PASSWORD})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    if role != "user":
        pipeline.run("accounts", "role", name, role)
    return name
