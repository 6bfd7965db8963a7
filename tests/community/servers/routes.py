"""The requests of commands: method, path and body, from the fields of a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.community.behaviour.acts import BANK, MODERATOR, Act


@dataclass(frozen=True, slots=True)
class Route:
    """Where a command is posted to.

    Attributes:
        path: The path; fields of the command in braces.
        given: Fields of the command that the gateway adds: the caller, or an id that its answer has.
        batch: The name of the list that the body holds, for commands that are sent in batches.
        answered: The id in the answer that is a field of the command.
    """

    method: str
    path: str
    answered: str = ""
    given: tuple[str, ...] = ()
    batch: str = ""


ROUTES: Final[dict[str, Route]] = {
    "OpenTrade": Route("POST", "/v1/trades"),
    "CloseTrade": Route("POST", "/v1/trades/{trade_id}/close"),
    "RequestDeposit": Route("POST", "/v1/deposits/requests"),
    "ReportDeposit": Route("POST", "/v1/deposits", given=("provider",), batch="deposits"),
    "Withdraw": Route("POST", "/v1/withdrawals", "withdrawal_id"),
    "ReviewWithdrawal": Route("POST", "/v1/users/{user_id}/withdrawals/{withdrawal_id}/review", given=("moderator",)),
    "ReportPayout": Route("POST", "/v1/payouts", given=("provider",), batch="payouts"),
    "Subscribe": Route("POST", "/v1/plan"),
    "ChangePlan": Route("PUT", "/v1/plan"),
    "CancelPlan": Route("DELETE", "/v1/plan"),
    "CreateProfile": Route("PUT", "/v1/profile"),
    "Interact": Route("POST", "/v1/users/{target}/interactions"),
    "Unfollow": Route("DELETE", "/v1/users/{target}/follow"),
    "ShareContent": Route("POST", "/v1/contents", "content_id"),
    "CreateConstellation": Route("POST", "/v1/constellations", "constellation_id"),
    "JoinConstellation": Route("POST", "/v1/constellations/{constellation_id}/join"),
    "LeaveConstellation": Route("POST", "/v1/constellation/leave"),
    "DissolveConstellation": Route("DELETE", "/v1/constellation"),
    "ChangeMemberRole": Route("PUT", "/v1/constellation/members/{member}/role"),
    "RemoveMember": Route("POST", "/v1/constellation/members/{member}/remove"),
    "LiftBan": Route("DELETE", "/v1/constellation/bans/{member}"),
    "ContributeShards": Route("POST", "/v1/constellation/contributions"),
    "ChallengeBattle": Route("POST", "/v1/battles", "battle_id"),
    "AcceptBattle": Route("POST", "/v1/battles/{battle_id}/accept"),
    "DeclineBattle": Route("POST", "/v1/battles/{battle_id}/decline"),
    "WithdrawChallenge": Route("POST", "/v1/battles/{battle_id}/withdraw"),
    "RequestMint": Route("POST", "/v1/nft/mints", "mint_id"),
    "ListNFT": Route("POST", "/v1/nft/tokens/{token_id}/listings", "listing_id", ("seller",)),
    "UnlistNFT": Route("DELETE", "/v1/nft/tokens/{token_id}/listings/{listing_id}", given=("seller",)),
    "BuyNFT": Route("POST", "/v1/nft/tokens/{token_id}/listings/{listing_id}/purchases", "purchase_id"),
    "ClaimReward": Route("POST", "/v1/rewards/claims"),
    "ChangePreferences": Route("PUT", "/v1/preferences"),
    "ReadNotifications": Route("POST", "/v1/notifications/read"),
}
SHARED_AGAIN: Final = Route("POST", "/v1/contents/{content_id}/shares")
GIVEN_BY_CALLER: Final = ("seller", "provider", "moderator")
ROLES: Final = {BANK: "service", MODERATOR: "moderator"}
WITHOUT_BODY: Final = frozenset({"CloseTrade", "CancelPlan", "Unfollow", "JoinConstellation", "LeaveConstellation"}) | {
    "DissolveConstellation",
    "AcceptBattle",
    "DeclineBattle",
    "WithdrawChallenge",
    "LiftBan",
    "UnlistNFT",
}


def route_of(act: Act) -> Route:
    """Return where a command is posted to."""
    return SHARED_AGAIN if act.name == "ShareContent" and "content_id" in act.data else ROUTES[act.name]


def body_of(act: Act, route: Route) -> dict[str, Any] | None:
    """Return the body of a command: its fields without those in the path and those that the gateway adds."""
    if act.name in WITHOUT_BODY:
        return None
    body = {
        name: value for name, value in act.data.items() if f"{{{name}}}" not in route.path and name not in route.given
    }
    return {route.batch: [body]} if route.batch else body


def fields_of(act: Act, route: Route, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the command that the gateway appended, for the journal."""
    given = {name: act.user for name in route.given if name in GIVEN_BY_CALLER}
    answered = {route.answered: answer[route.answered]} if route.answered else {}
    return {**act.data, **given, **answered}
