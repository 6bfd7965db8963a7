"""The social domain's rules and its oracle give the same rows, over random journals."""

from __future__ import annotations

from random import Random

import pytest

from tests.community.behind import entries_behind
from tests.community.cluster_run import stored
from tests.community.compared.engine import rules
from tests.community.oracle.social_numbers import ConstellationNumbers, PeopleNumbers, SocialNumbers
from tests.community.social_alone import SocialAlone, differing, play_both
from tests.community.social_journal import SocialJournal
from tests.unit.agents.cluster import Cluster
from tests.unit.agents.rulebooks import rulebook_with

SMALL = SocialNumbers(
    people=PeopleNumbers(
        interactions_an_hour=3, follows=3, contents_a_day=3, contents_kept=4, endorsement_pool=3_000_000
    ),
    constellations=ConstellationNumbers(level_shards=20, level_members=1),
)
RULEBOOK = rulebook_with(
    {
        "social": {
            "people": {
                "interactions_per_hour_max": 3,
                "follows_max": 3,
                "contents_per_day_max": 3,
                "contents_kept_max": 4,
                "rating": {"endorsement_pool": 3_000_000},
            },
            "constellations": {"level_ss": 20, "level_members": 1},
        }
    }
)
"""Small limits, which random commands reach."""


def wrongly_folded(cluster: Cluster, alone: SocialAlone) -> list[str]:
    """Return the rows behind which the oracle has other entries than the rules."""
    found, projections = [], rules("social").tables
    rows = {(one.partition, table, one.key): one.row for table, held in stored(cluster).items() for one in held}
    for place, entries in entries_behind(cluster, "social").items():
        if place.table in projections:
            for key, _ in projections[place.table](place.key, rows[place.partition, place.table, place.key]):
                if alone.social.folded(place.table, key) != entries:
                    found.append(f"{place.table} {key}")
    assert len(rows) > 100
    return found


@pytest.mark.parametrize("seed", [2, 6, 9])
@pytest.mark.sample(1)
def test_the_rules_of_the_social_domain_give_the_rows_of_the_oracle(seed: int) -> None:
    cluster, alone = play_both(SocialJournal(seed, users=12).made(rounds=120), random=Random(seed))
    assert "\n".join(one.text() for one in differing(cluster, alone)) == ""
    assert wrongly_folded(cluster, alone) == []


@pytest.mark.parametrize("seed", [2, 9, 11])
@pytest.mark.sample(1)
def test_the_rules_give_the_rows_of_the_oracle_at_their_limits(seed: int) -> None:
    cluster, alone = play_both(SocialJournal(seed, users=12).made(rounds=120), RULEBOOK, SMALL)
    assert "\n".join(one.text() for one in differing(cluster, alone)) == ""
    rows = alone.social.rows()
    assert max(row["level"] for row in rows["social-constellations"].values()) > 1
    assert "completed" in {row["state"] for row in rows["social-battles"].values()}
