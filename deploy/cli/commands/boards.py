"""`astratrade boards`: check a rank on a sealed leaderboard, and the reward for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from agents.gamification.policy import RewardRules
from deploy.cli.commands.options import data_dir_option
from deploy.errors import DeployError
from deploy.rulebook import load_rulebook
from deploy.settings import Settings, load
from tables.boards import GLOBAL, Board, parse_period
from tables.boards import group as group_name
from tables.rank_proof import ProofError, RankProof
from tables.rank_proof import verify as verify_proof


@click.group()
def boards() -> None:
    """Check ranks and rewards on sealed leaderboards.

    \b
    Example:
      astratrade boards verify xp week:2024-W38 --user trader-2
    """


@boards.command()
@click.argument("board")
@click.argument("period")
@click.option("--user", metavar="ID", required=True, help="The user whose rank to check.")
@click.option("--market", metavar="MARKET", help="One market, for the boards volume and pnl.  [default: all]")
@click.option(
    "--proof",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the answer of GET /v1/leaderboards/BOARD/users/ID/proof.  [default: ask the API for it]",
)
@click.option("--digest", metavar="HEX", help="The board's digest as you noted it: the proof must be of this board.")
@click.option("--url", metavar="URL", help="The API.  [default: http:// ASTRA_API_HOST : ASTRA_API_PORT]")
@data_dir_option
def verify(
    *,
    board: Board,
    period: str,
    user: str,
    market: str | None,
    proof: Path | None,
    digest: str | None,
    url: str | None,
    data_dir: Path | None,
) -> None:
    """Check offline that USER has the rank that the proof says, and the reward that the rule book gives for it.

    The status is 1 when the proof proves nothing; the message says why.

    \b
    Examples:
      astratrade boards verify xp week:2024-W38 --user trader-2
      astratrade boards verify pnl day:2024-09-20 --market BTC --user trader-2 --proof proof.json
    """
    try:
        parse_period(period)
    except ValueError as exc:
        raise DeployError(str(exc)) from exc
    settings = load(data_dir=data_dir)
    parameters = {"period": period} | ({"market": market} if market else {})
    path = f"/v1/leaderboards/{board}/users/{user}/proof"
    text = proof.read_bytes() if proof else asyncio.run(_ask(settings, url, user, path, parameters))
    group = group_name(board, market or GLOBAL, period)
    click.echo(checked(text, group, user, digest, load_rulebook(settings).gamification.rewards))


def checked(text: bytes | dict[str, Any], group: str, user: str, digest: str | None, rewards: RewardRules) -> str:
    """Return what a proof proves.

    Raises:
        DeployError: it does not prove the rank of this user on this board, or the reward is not that of the rank.
    """
    try:
        found = RankProof.model_validate_json(text) if isinstance(text, bytes) else RankProof.model_validate(text)
        rank = verify_proof(found)
    except (ValidationError, ProofError) as exc:
        raise DeployError(f"the proof proves nothing: {exc}") from exc
    if (found.group, found.user_id) != (group, user):
        raise DeployError(f"the proof is for {found.user_id} on {found.group}, not for {user} on {group}")
    if digest is not None and digest != found.digest:
        raise DeployError(f"the proof is for a board with the digest {found.digest}, not {digest}")
    users = sum(part.rows for part in found.parts)
    reward = _reward(found, rank, rewards)
    return f"{user} is rank {rank} of {users} on {group}; digest {found.digest}; {reward}"


def _reward(proof: RankProof, rank: int, rewards: RewardRules) -> str:
    """Return what a rank earns by the rule book, and whether it was granted.

    Raises:
        DeployError: another reward was granted.
    """
    scope, period, board = proof.group.split("/")
    rule = rewards.rule(scope, board, parse_period(period).kind)
    earned = rule.shards(rank) if rule is not None and rank <= rule.ranks else 0
    granted = proof.reward
    if granted is not None and (granted.rank, granted.ss) != (rank, earned):
        raise DeployError(
            f"rank {rank} earns {earned} SS by the rule book, and {granted.ss} SS were granted for rank {granted.rank}"
        )
    if not earned:
        return "no reward"
    return f"reward {earned} SS, {granted.state if granted is not None else 'not granted yet'}"


async def _ask(settings: Settings, url: str | None, user: str, path: str, parameters: dict[str, str]) -> Any:
    from api.auth import Role  # noqa: PLC0415 - the client and the store take a moment to import
    from deploy.admin.tokens import IssuedToken  # noqa: PLC0415
    from deploy.replay.ingress import Ingress  # noqa: PLC0415
    from deploy.server.address import api_url  # noqa: PLC0415

    credentials = IssuedToken(settings, user, Role.USER)
    async with Ingress(url or api_url(settings), credentials, click.echo) as api:
        return await api.get(path, **parameters)
