"""Calls that a sponsor sends for the caller, within a daily allowance of gas, and what became of them."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo
from starlette.responses import Response

from api.identity.wallets.felts import HEX_FELT, address, felt, padded
from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import CommandRoute, Reader
from api.kit.context import Api, ApiDep
from api.kit.openapi import problems
from api.kit.own_rows import OwnRows
from api.kit.problems import NOT_FOUND, Problem
from api.kit.projection import Projection
from streams.events.user import SPONSOR_CALL_OPEN_S, ContractCall, SponsorCall
from streams.ids import derived_id, timestamp_ms
from streams.times import SECOND_US
from tables.user import USER_SPONSORED, SponsoredCall, SponsoredCalls

CALLS_MAX: Final = 10
CALLDATA_MAX: Final = 100
SIGNATURE_MAX: Final = 16
SECONDS_MAX: Final = 2**63 - 1

CALL: Final = Projection(SponsoredCall, "SponsoredCall", "Calls of a user that a sponsor sends.")
SPONSORED: Final = Projection(
    SponsoredCalls, "SponsoredCalls", "A user's sponsored calls.", key={"user_id": str}, nested=(CALL,)
)
SPONSORED_CALLS: Final = OwnRows(
    "sponsored-calls",
    USER_SPONSORED,
    SPONSORED,
    title="Sponsored calls",
    doc="The latest 20 calls that a user asked a sponsor to send, the newest last.",
)


def _number(text: str) -> str:
    return padded(felt(text))


Number = Annotated[
    str, Field(pattern=HEX_FELT, description="a number of Starknet: 0x and 1 to 64 digits"), AfterValidator(_number)
]
Address = Annotated[str, Field(pattern=HEX_FELT, description="an account or a contract"), AfterValidator(address)]
Seconds = Annotated[int, Field(ge=0, le=SECONDS_MAX, description="Unix time in seconds")]


def _soon(after: int, info: ValidationInfo) -> int:
    now_s = int((info.context or {}).get("now", 0)) // SECOND_US
    if after >= now_s + SPONSOR_CALL_OPEN_S:
        raise ValueError("it is more than a day from now, and calls are given up after a day")
    return after


def _later(before: int, info: ValidationInfo) -> int:
    if before <= info.data.get("execute_after", 0) + 1:
        raise ValueError("it must be more than a second after execute_after")
    return before


class CallBody(BaseModel):
    """A call of a contract."""

    model_config = ConfigDict(extra="forbid")

    to: Address
    selector: Number
    calldata: Annotated[list[Number], Field(max_length=CALLDATA_MAX)] = []


class SponsorCallBody(BaseModel):
    """An outside execution of SNIP-9, version 2, whose caller is the sponsor, and its signature."""

    model_config = ConfigDict(extra="forbid")

    account: Address
    nonce: Number
    execute_after: Annotated[Seconds, AfterValidator(_soon)]
    execute_before: Annotated[Seconds, AfterValidator(_later)]
    calls: Annotated[list[CallBody], Field(min_length=1, max_length=CALLS_MAX)]
    signature: Annotated[list[Number], Field(min_length=1, max_length=SIGNATURE_MAX)]


class AcceptedCalls(Accepted):
    """The log has the calls. Later events and answers name them by `call_id`."""

    call_id: str


class Sponsor(BaseModel):
    """Who sends sponsored calls: the `Caller` of the outside execution that a wallet signs."""

    chain_id: str
    account: str


read_call = Reader(SponsorCallBody)
commands = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 404, 413, 415, 422, 503), route_class=CommandRoute)
queries = APIRouter(prefix="/v1", responses=problems(404))
EXAMPLE: Final = {
    "account": "0x1a2b", "nonce": "0x7", "execute_after": 0, "execute_before": 1_900_000_000,
    "calls": [{"to": "0x5b4", "selector": "0x83afd3f", "calldata": ["0x3c", "0xa", "0x0"]}],
    "signature": ["0x11", "0x22"],
}  # fmt: skip


@commands.post(
    "/sponsored-calls",
    status_code=202,
    summary="Have calls sent",
    response_model=AcceptedCalls,
    openapi_extra=read_call.described({"a transfer": EXAMPLE}),
)
async def sponsor_call(request: Request) -> Response:
    """Ask the sponsor to send calls from one of the caller's wallets, which has signed them for the sponsor.

    Answers 404 where no calls are sponsored.
    """
    asked = await read_call(request)
    _require_sponsor(asked.api)
    submission = await asked.begin(SponsorCall, "sponsored-calls")
    event_id = submission.event_id()
    call_id = derived_id(timestamp_ms(event_id), event_id, "call")
    body = asked.value
    data = SponsorCall(
        call_id=call_id,
        account=body.account,
        nonce=body.nonce,
        execute_after=body.execute_after,
        execute_before=body.execute_before,
        calls=tuple(
            ContractCall(to=each.to, selector=each.selector, calldata=tuple(each.calldata)) for each in body.calls
        ),
        signature=tuple(body.signature),
    )
    written = await asked.api.writer.write(SponsorCall, [submission.entry(data, event_id, subject=call_id)], submission)
    return accepted(asked.api, written, SponsorCall, call_id=call_id)


@queries.get("/sponsor", summary="The sponsor", response_model=Sponsor)
async def get_sponsor(api: ApiDep) -> Sponsor:
    """Return the account that sends sponsored calls, and its chain."""
    _require_sponsor(api)
    return Sponsor(chain_id=api.config.wallets.chain_id, account=api.config.sponsor)


def _require_sponsor(api: Api) -> None:
    if not api.config.sponsor:
        raise Problem(NOT_FOUND, "no calls are sponsored here")
