"""`/v1/auth/wallet`: sign in with a wallet. `/v1/account/wallets`: the caller's wallets."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from pydantic import AfterValidator
from starlette.responses import JSONResponse, Response

from api.identity.routes.auth import NEVER_STORED, tokens_answer
from api.identity.routes.client import client_of
from api.identity.routes.errors import as_wallet_problems
from api.identity.routes.models import SignedInAnswer
from api.identity.routes.wallet_models import (
    OwnWalletChallengeRequest,
    WalletAnswer,
    WalletChallengeAnswer,
    WalletChallengeRequest,
    WalletLink,
    WalletLogIn,
    WalletsAnswer,
    WalletUnlink,
)
from api.identity.wallets import felts, linked
from api.identity.wallets.challenges import Purpose, Wallet
from api.kit.bodies import BodyReader
from api.kit.callers import BEARER, Caller
from api.kit.context import Api, ApiDep
from api.kit.openapi import problems
from api.kit.problems import VALIDATION, Fault, Problem

CHALLENGE = BodyReader(WalletChallengeRequest)
LOG_IN = BodyReader(WalletLogIn)
OWN_CHALLENGE = BodyReader(OwnWalletChallengeRequest)
LINK = BodyReader(WalletLink)
UNLINK = BodyReader(WalletUnlink)
BODIES = (WalletChallengeRequest, WalletLogIn, OwnWalletChallengeRequest, WalletLink, WalletUnlink)

_WALLET: Final = {
    "chain_id": "SN_SEPOLIA",
    "address": "0x05731d1dbaa86885a1f3091ef567bcc1826979989f28e0c50bf938aab665c23e",
}
_PROOF: Final = {
    "nonce": f"0x{'5c' * 31}",
    "signature": ["0x3475d0b4e8c1f5ac41d5f87ad2c8ec0b1b", "0x7bf6cb1f4b7d7c7e2a4ab3fd0ba8f3b6c1"],
}
_PASSWORD: Final = "zephyr-quilt-mattress"  # noqa: S105 - an example
_OWN: Final[dict[str, Any]] = {"security": [{BEARER.scheme_name: []}]}

sign_in = APIRouter(prefix="/v1/auth/wallet", tags=["Sign-in"])
own = APIRouter(prefix="/v1/account/wallets", tags=["Account"])


@sign_in.post(
    "/challenge",
    summary="Get a challenge for a wallet to sign",
    responses={HTTPStatus.OK: {"model": WalletChallengeAnswer}, **problems(400, 413, 415, 422, 503)},
    openapi_extra={"requestBody": CHALLENGE.described({"A wallet": _WALLET})},
)
async def challenge(api: ApiDep, request: Request) -> Response:
    """Return SNIP-12 typed data. It works once, within five minutes. The answer is the same for every wallet."""
    body = await CHALLENGE.read(request)
    return await _challenge(api, Purpose.SIGN_IN, body.wallet)


@sign_in.post(
    "/login",
    summary="Sign in with a wallet",
    responses={
        HTTPStatus.OK: {"model": SignedInAnswer},
        HTTPStatus.CREATED: {"model": SignedInAnswer, "description": "The wallet had no account; it has one now"},
        **problems(400, 401, 403, 413, 415, 422, 429, 503),
    },
    openapi_extra={"requestBody": LOG_IN.described({"A signed challenge": {**_WALLET, "proof": _PROOF}})},
)
async def login(api: ApiDep, request: Request) -> Response:
    """Open a session of the account that has this wallet. Without one, create an account that has it."""
    body = await LOG_IN.read(request)
    _check_chain(api, body.wallet)
    with as_wallet_problems():
        signed_in, is_new = await api.wallets.login(body.wallet, body.proof.proof, client_of(api, request))
    return tokens_answer(signed_in, HTTPStatus.CREATED if is_new else HTTPStatus.OK)


@own.get("", summary="Your wallets", responses=problems(401, 503))
async def get_wallets(api: ApiDep, caller: Caller) -> WalletsAnswer:
    """Return the wallets of the caller's account."""
    async with api.store.read() as connection:
        found = await linked.of_account(connection, caller.subject)
    return WalletsAnswer(wallets=[WalletAnswer.of(each) for each in found])


@own.post(
    "/challenge",
    summary="Get a challenge to link or unlink a wallet",
    responses={HTTPStatus.OK: {"model": WalletChallengeAnswer}, **problems(400, 401, 413, 415, 422, 503)},
    openapi_extra={
        **_OWN,
        "requestBody": OWN_CHALLENGE.described({"To link a wallet": {**_WALLET, "purpose": "link"}}),
    },
)
async def own_challenge(api: ApiDep, caller: Caller, request: Request) -> Response:
    """Return SNIP-12 typed data that names the caller's account. It works once, within five minutes."""
    body = await OWN_CHALLENGE.read(request)
    return await _challenge(api, Purpose(body.purpose), body.wallet, caller.subject)


@own.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Link a wallet",
    responses={
        HTTPStatus.CREATED: {"model": WalletAnswer},
        **problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    },
    openapi_extra={
        **_OWN,
        "requestBody": LINK.described(
            {"A signed challenge": {**_WALLET, "proof": _PROOF, "current_password": _PASSWORD}}
        ),
    },
)
async def link(api: ApiDep, caller: Caller, request: Request) -> Response:
    """Link a wallet to the caller's account, which can then sign in with it."""
    body = await LINK.read(request)
    _check_chain(api, body.wallet)
    with as_wallet_problems():
        found = await api.wallets.link(
            caller.subject, body.wallet, body.proof.proof, body.current_password, client_of(api, request)
        )
    return JSONResponse(WalletAnswer.of(found).model_dump(mode="json"), HTTPStatus.CREATED)


@own.post(
    "/{chain_id}/{address}/unlink",
    status_code=HTTPStatus.NO_CONTENT,
    summary="Unlink a wallet",
    responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    openapi_extra={
        **_OWN,
        "requestBody": UNLINK.described(
            {"A signed challenge": {"proof": _PROOF}, "A lost wallet": {"current_password": _PASSWORD}}
        ),
    },
)
async def unlink(
    api: ApiDep,
    caller: Caller,
    request: Request,
    chain_id: Annotated[str, Path(pattern=felts.CHAIN_ID)],
    address: Annotated[str, Path(pattern=felts.HEX_FELT), AfterValidator(felts.address)],
) -> Response:
    """Unlink a wallet from the caller's account. All other sessions of the caller end."""
    body = await UNLINK.read(request)
    wallet, client = Wallet(chain_id, address), client_of(api, request)
    with as_wallet_problems():
        if body.proof is not None:
            _check_chain(api, wallet)
            await api.wallets.unlink(caller.subject, wallet, body.proof.proof, caller.session_id, client)
        elif body.current_password is not None:
            password, session_id = body.current_password, caller.session_id
            await api.wallets.unlink_by_password(caller.subject, wallet, password, session_id, client)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _challenge(api: Api, purpose: Purpose, wallet: Wallet, account_id: str | None = None) -> Response:
    _check_chain(api, wallet)
    issued = await api.wallets.challenge(purpose, wallet, account_id)
    answer = WalletChallengeAnswer.of(issued, api.config.wallets.origin)
    return JSONResponse(answer.model_dump(mode="json"), headers=NEVER_STORED)


def _check_chain(api: Api, wallet: Wallet) -> None:
    """Refuse a wallet of another chain than this installation's.

    Raises:
        Problem: 422.
    """
    ours = api.config.wallets.chain_id
    if wallet.chain_id != ours:
        detail = f"wallets sign in on the chain {ours} here"
        raise Problem(VALIDATION, f"#/chain_id: {detail}", errors=[Fault(pointer="#/chain_id", detail=detail)])
