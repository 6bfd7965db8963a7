"""The dashboard verifies the proof of a rank as Python does: the same ranks, and the same refusals."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tables.rank_proof import ProofError, RankProof, verify
from tests.support.page_module import NODE, page_module
from tests.unit.tables.test_rank_proof import BOARD, Board, forgeries, proof_of

__all__ = ["page_module"]

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")

BOARDS = 30


def said_by_python(document: dict[str, Any]) -> str:
    try:
        return str(verify(RankProof.model_validate(document)))
    except ProofError as exc:
        return str(exc)


def test_the_browser_says_of_every_proof_what_python_says(page_module: Callable[[str], Path]) -> None:
    documents = []
    chosen = random.Random(7)
    for _ in range(BOARDS):
        users = chosen.sample(range(30), chosen.randint(1, 12))
        board: Board = {f"user-{n}": (chosen.randint(-2, 2), chosen.randint(0, 2)) for n in users}
        documents += [proof_of(board, user).model_dump() for user in board]
    for forge in forgeries().values():
        document = proof_of(BOARD, "user-5").model_dump()
        forge(document)
        documents.append(document)
    script = Path(__file__).with_name("verify_proofs.mjs")
    command = [str(NODE), str(script), str(page_module("data/rank_proof.ts"))]
    done = subprocess.run(command, input=json.dumps(documents), capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert said == [said_by_python(document) for document in documents]
    assert {line.isdigit() for line in said} == {True, False}
