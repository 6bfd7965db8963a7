"""A wrong answer of a node is a NodeError, which services wait out."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest

from contracts.account.account import Account, Signed, outcome_of
from contracts.clients.contract import At
from contracts.deployment.history import events_of
from contracts.deployment.plan import Planned
from contracts.deployment.steps import class_at
from contracts.deployment.verification import code_check
from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BlockRef
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Node

BLOCK = BlockRef(7, padded(7))
ADDRESS = padded(2)
ASKED: dict[str, Callable[[Node], Awaitable[Any]]] = {
    "chain_id": lambda node: node.chain_id(),
    "head": lambda node: node.head(),
    "events": lambda node: node.events(0, BLOCK, [ADDRESS]),
    "receipts": lambda node: node.events_of_receipts(BLOCK, [ADDRESS]),
    "call": lambda node: node.call(ADDRESS, "0x1", BLOCK),
    "nonce": lambda node: node.nonce(ADDRESS),
    "class": lambda node: class_at(node, ADDRESS),
    "code": lambda node: code_check(node, Planned("FeeSplitter", 1, (), 0, 2)),
    "history": lambda node: events_of(node, At(node, BLOCK), "FeeSplitter", ADDRESS),
    "outcome": lambda node: outcome_of(node, ADDRESS),
    "estimate": lambda node: account_of(node).prepare([], 0),
    "send": lambda node: account_of(node).send(Signed("invoke", ADDRESS, 0, {})),
}
WRONG: tuple[Any, ...] = (None, "no number", 5, [], [None], {}, {"events": [None]}, {"transaction_hash": "?"})


def account_of(node: Node) -> Account:
    signer: Any = None
    return Account(node, 1, "SN_MAIN", signer)


def node_that_answers(result: Callable[[dict[str, Any]], Any]) -> Node:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = orjson.loads(request.content)
        return httpx.Response(200, content=orjson.dumps({"id": asked["id"], "result": result(asked)}))

    node = Node("http://node.test")
    node._transport = httpx.MockTransport(answer)  # type: ignore[assignment]
    return node


@pytest.mark.parametrize(("question", "wrong"), [
    (question, wrong) for question in ASKED for wrong in WRONG if question != "call" or wrong or wrong is None
])  # fmt: skip
async def test_a_wrong_answer_is_an_error_of_the_node(question: str, wrong: Any) -> None:
    with pytest.raises(NodeError):
        await ASKED[question](node_that_answers(lambda _: wrong))


async def test_a_history_whose_tokens_alternate_ends() -> None:
    tokens = iter("ab" * 10)
    node = node_that_answers(lambda _: {"events": [], "continuation_token": next(tokens)})
    with pytest.raises(NodeError, match="do not advance"):
        await events_of(node, At(node, BLOCK), "FeeSplitter", ADDRESS)


def test_the_certificate_of_a_node_is_checked() -> None:
    context = Node("https://node.example")._transport._pool._ssl_context
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
