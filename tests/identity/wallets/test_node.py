"""The Starknet node misbehaves: sign-in by the chain fails closed."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest

from api.identity.wallets import node
from api.identity.wallets.config import WalletConfig
from api.identity.wallets.node import Node, NodeUnavailableError, Verdict
from api.kit.context import Api
from deploy.admin.doctor.wallets import _is_safe, node_finding, origin_finding
from deploy.settings import Settings
from tests.identity.wallets.requests import ANN, BOB, challenged, log_in, proof, sign_in
from tests.support.starknet import CHAIN, Chain

GARBAGE = [
    (500, b"out of order"),
    (302, b""),
    (200, b"<html>"),
    (200, b"[]"),
    (200, b'{"jsonrpc":"2.0","id":0,"result":["0x56414c4944"]}'),
    (200, b" " * 70_000),
]


def is_away(answer: httpx.Response) -> bool:
    assert answer.status_code == 503, answer.text
    return answer.json()["type"] == "/problems/unavailable" and int(answer.headers["Retry-After"]) >= 1


async def test_without_a_clear_yes_of_the_chain_nobody_signs_in(
    sqlite_client: httpx.AsyncClient, chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    client = sqlite_client
    signed = proof(ANN, await challenged(client, ANN.address), with_key=False)

    async def attempt() -> httpx.Response:
        return await log_in(client, ANN.address, signed)

    assert (await attempt()).status_code == 401, "not deployed"
    chain.deploy(ANN)
    for answer in GARBAGE:
        chain.answer = answer
        assert is_away(await attempt()), answer
    chain.answer = None
    chain.status = 500
    assert is_away(await attempt())
    chain.status = 200
    chain.chain_id = "SN_MAIN"
    assert is_away(await attempt())
    chain.chain_id = CHAIN
    for result in (["0x1"], ["0x0"], [], ["0x56414c4944", "0x0"]):
        chain.result = result
        assert (await attempt()).status_code == 401, result
    chain.reset()
    chain.deploy(ANN)
    assert (await attempt()).status_code == 201, "the challenge was not used up"
    assert "hunter2" not in caplog.text


async def test_a_registered_key_signs_in_while_the_node_is_away(sqlite_client: httpx.AsyncClient, chain: Chain) -> None:
    assert (await sign_in(sqlite_client, ANN)).status_code == 201
    chain.answer = (503, b"")
    assert (await sign_in(sqlite_client, ANN)).status_code == 200
    assert is_away(await sign_in(sqlite_client, BOB)), "a new key is registered by the chain's word only"
    assert is_away(await sign_in(sqlite_client, BOB, with_key=False))


async def test_a_node_that_is_away_costs_its_users_no_attempts(sqlite_client: httpx.AsyncClient, chain: Chain) -> None:
    chain.answer = (503, b"")
    signed = proof(ANN, await challenged(sqlite_client, ANN.address), with_key=False)
    for _ in range(8):
        assert is_away(await log_in(sqlite_client, ANN.address, signed))


async def test_a_node_that_hangs_is_given_up_within_the_bound(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound holds for both calls of a check together, and for each."""
    monkeypatch.setattr(node, "ANSWER_S", 0.2)
    for delay_s in (0.15, 1.0):
        chain.delay_s = delay_s
        asked = Node(chain.url, CHAIN)
        async with asyncio.timeout(0.8):
            with pytest.raises(NodeUnavailableError):
                await asked.is_valid_signature(2, 1, [1, 2])
        await asked.close()


async def test_a_node_that_is_nowhere_is_unavailable_and_its_key_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    nowhere = WalletConfig(node_url="http://user:hunter2@127.0.0.1:1/rpc/hunter2")
    finding = await node_finding(nowhere)
    assert (finding.level, finding.found) == ("fail", "the node gave no answer (ConnectError)")
    assert caplog.text
    assert "hunter2" not in f"{caplog.text}{finding}{nowhere}"


async def test_checks_in_flight_are_bounded(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "CHECKS_AT_ONCE", 1)
    chain.delay_s = 0.1
    asked = Node(chain.url, CHAIN)
    first = asyncio.ensure_future(asked.is_valid_signature(2, 1, [1, 2]))
    await asyncio.sleep(0)
    with pytest.raises(NodeUnavailableError, match="too many wallets"):
        await asked.is_valid_signature(2, 1, [1, 2])
    assert await first is Verdict.NOT_DEPLOYED
    await asked.close()


async def test_without_a_node_only_keys_sign_in(
    sqlite_client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, sqlite_api: Api
) -> None:
    monkeypatch.setattr(sqlite_api.wallets.prover, "_node", None)
    assert (await sign_in(sqlite_client, ANN)).status_code == 201
    assert is_away(await sign_in(sqlite_client, ANN, with_key=False))


async def test_the_doctor_checks_the_node(chain: Chain) -> None:
    assert (await node_finding(WalletConfig())).level == "ok"
    assert (await node_finding(WalletConfig(node_url=chain.url))).found == "answers for SN_SEPOLIA"
    other = await node_finding(WalletConfig(node_url=chain.url, chain_id="SN_MAIN"))
    assert (other.level, other.found) == ("fail", "the node is not of the chain SN_MAIN")


@pytest.mark.parametrize(
    ("host", "origin", "level"),
    [("127.0.0.1", "", "ok"), ("0.0.0.0", "", "warn"), ("0.0.0.0", "https://app.example.com", "ok")],
)
def test_the_doctor_names_an_origin_that_users_do_not_know(host: str, origin: str, level: str) -> None:
    assert origin_finding(Settings(api_host=host, public_origin=origin)).level == level


def test_an_address_of_ipv6_makes_an_origin_and_an_address_that_makes_none_is_refused() -> None:
    assert Settings(api_host="FD00::1", api_port=80).wallet_config.origin == "http://[fd00::1]:80"
    with pytest.raises(ValueError, match="set ASTRA_PUBLIC_ORIGIN"):
        Settings(api_host="fe80::1%eth0")
    app = "https://app.example.com"
    assert Settings(api_host="fe80::1%eth0", public_origin=app).wallet_config.origin == app


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://node.example", True),
        ("http://127.0.0.1:5050/rpc", True),
        ("http://[::1]:5050", True),
        ("http://localhost", True),
        ("http://node.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_a_node_is_reached_by_tls_or_on_this_machine(url: str, safe: bool) -> None:
    assert _is_safe(url) is safe
