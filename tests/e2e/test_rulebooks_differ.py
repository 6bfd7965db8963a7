"""Two workers with different rule books: their logs, `/v1/pipeline` and `astratrade doctor` name the difference."""

from functools import partial
from pathlib import Path

import pytest

from agents.rulebook import packaged_rulebook, packaged_text, parse_rulebook
from tables.domains import TOPOLOGY
from tests.e2e.children import Child
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually

CHANGED = packaged_text().replace("fee_ppm = 1000", "fee_ppm = 1001")


@pytest.mark.heavy
def test_a_worker_with_another_rule_book_is_named_everywhere(tmp_path: Path) -> None:
    file = tmp_path / "changed.toml"
    file.write_text(CHANGED)
    books = packaged_rulebook(), parse_rulebook(CHANGED)
    ours, theirs = (book.in_force(archived=False).identity for book in books)
    assert ours != theirs, "the digest differs although the version is the same"
    with Pipeline(tmp_path, workers=1) as pipeline:
        first = pipeline.workers[0]
        assert f"the same in {len(TOPOLOGY.names)} live members" in pipeline.run("doctor")
        second = pipeline.start_worker("trading", ASTRA_RULEBOOK=str(file))
        pipeline.wait_until_ready()

        answer = pipeline.client("moderator", "operator").get("/v1/pipeline").json()
        assert answer["rulebook"] == ours
        assert f"of astratrade-trading has {theirs}" in answer["rulebooks_differ"]
        trading = next(one for one in answer["domains"] if one["domain"] == "trading")
        assert sorted(member["rulebook"] for member in trading["members"]) == sorted((ours, theirs))
        assert theirs in pipeline.run("doctor")
        for child, own, other in ((first, ours, theirs), (second, theirs, ours), (pipeline.api, ours, theirs)):
            eventually(partial(_logs, child, own, other), within_s=20, what=f"{child.name} logs the difference")


def _logs(child: Child, own: str, other: str) -> bool:
    return any(f"this process has {own}" in line and f"has {other}" in line for line in child.output().splitlines())
