"""The social domain's rules and its oracle give the same rows, over random journals."""

from __future__ import annotations

from random import Random

import pytest

from tests.community.causes import causes_of, wrong_causes
from tests.community.compared.engine import rules
from tests.community.oracle.social_numbers import ConstellationNumbers, PeopleNumbers, SocialNumbers
from tests.community.social_alone import differing, play_both
from tests.community.social_journal import SocialJournal
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


@pytest.mark.parametrize("seed", [2, 6, 9])
def test_the_rules_of_the_social_domain_give_the_rows_of_the_oracle(seed: int) -> None:
    cluster, alone = play_both(SocialJournal(seed, users=12).made(rounds=120), random=Random(seed))
    assert "\n".join(one.text() for one in differing(cluster, alone)) == ""
    assert wrong_causes(causes_of(cluster, "social", rules("social")), alone) == []


@pytest.mark.parametrize("seed", [2, 9, 11])
def test_the_rules_give_the_rows_of_the_oracle_at_their_limits(seed: int) -> None:
    cluster, alone = play_both(SocialJournal(seed, users=12).made(rounds=120), RULEBOOK, SMALL)
    assert "\n".join(one.text() for one in differing(cluster, alone)) == ""
    rows = alone.social.rows()
    assert max(row["level"] for row in rows["social-constellations"].values()) > 1
    assert "completed" in {row["state"] for row in rows["social-battles"].values()}
