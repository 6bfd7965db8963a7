"""A namespace belongs to the first application that uses it, when applications give their names."""

from __future__ import annotations

import asyncio

import pytest
from faust_redis.log import Log, LogError, NamespaceTakenError


async def use(log: Log, owner: str) -> str:
    async with Log(log.url, log.keys.namespace, owner=owner):
        return owner


async def test_a_second_application_on_a_namespace_is_refused_and_both_are_named(log: Log) -> None:
    await use(log, "shop")
    assert await use(log, "shop") == "shop", "its own processes share it"
    with pytest.raises(NamespaceTakenError, match=r"belongs to application 'shop', so application 'bank' cannot") as no:
        await use(log, "bank")
    assert "namespace of its own" in str(no.value)
    assert log.keys.owner in str(no.value)


async def test_of_applications_that_begin_at_once_only_one_gets_the_namespace(log: Log) -> None:
    outcomes = await asyncio.gather(*(use(log, name) for name in ("a", "b") * 8), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {str, NamespaceTakenError}
    assert len({outcome for outcome in outcomes if isinstance(outcome, str)}) == 1


async def test_a_client_that_names_no_application_may_use_any_namespace(log: Log) -> None:
    await use(log, "shop")
    assert await use(log, "") == ""


async def test_a_namespace_can_be_handed_over(log: Log) -> None:
    await use(log, "shop")
    await log.redis.delete(log.keys.owner)
    assert await use(log, "bank") == "bank"
    with pytest.raises(LogError):
        await use(log, "shop")
