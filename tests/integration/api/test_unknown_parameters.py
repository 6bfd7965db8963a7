"""A query parameter that a route does not have is refused, and not passed over."""

import httpx
import pytest

from tests.integration.api.support import auth


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/users/ada/open-trades?at=x", "at"),
        ("/v1/users/ada/positions?After=x", "After"),
        ("/v1/leaderboards/xp?periode=all", "periode"),
        ("/v1/feed/xp?lst=1", "lst"),
    ],
)
async def test_an_unknown_parameter_is_named_with_those_that_are_possible(
    client: httpx.AsyncClient, path: str, name: str
) -> None:
    answer = await client.get(path, headers=auth("ada"))
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert fault["parameter"] == name
    assert fault["detail"].startswith("is unknown; possible: ")
