"""The rounds of a load: what is sent at once does not depend on who is first."""

from random import Random

import pytest

from tests.community.cluster_life import ClusterBackend
from tests.community.cluster_run import stored
from tests.community.compared.engine import differences, rules
from tests.community.oracle import Community
from tests.load.people import Rounds, named_in

MANY = 1_000


class AtOnce(ClusterBackend):
    """A cluster to which a round's commands and fills go together, and whose domains take turns at random."""

    together = False

    @property
    def suspended(self) -> set[str]:
        return self._accounts.suspended

    def _settle(self) -> None:
        if not self.together:
            super()._settle()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.sample(1)
async def test_the_rows_of_a_round_are_the_oracle_s_in_whatever_order_it_is_processed(seed: int) -> None:
    backend = AtOnce(4, seed, Random(seed))
    rounds, names = Rounds(60, seed, backend), set()
    for _ in range(6):
        found = await rounds.next(MANY, MANY)
        backend.together = True
        await backend.commands(found.at, found.acts)
        await backend.fills(found.at, found.fills)
        backend.together = False
        backend._settle()
        names |= {act.name for act in found.acts}
        filled = [fill.data["user_id"] for fill in found.fills]
        assert len({act.user for act in found.acts} | {*filled}) == len(found.acts) + len(filled)
        assert not named_in(found.acts, await backend.view()) & {*filled}
    oracle = Community(4)
    oracle.apply_all(backend.journal)
    assert [one.text() for one in differences(stored(backend.cluster), oracle.rows(), rules())] == []
    assert {"OpenTrade", "Interact", "RequestMint"} <= names
