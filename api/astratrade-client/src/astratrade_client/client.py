"""The client: commands, queries and feeds of one API."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Any, Literal, Self, cast

import httpx

from astratrade_client.changes import Change, FeedState, Query
from astratrade_client.credentials import Credentials, FixedToken, SignedIn
from astratrade_client.http import Http
from astratrade_client.models import (
    Accepted,
    AcceptedBatch,
    AcceptedTrade,
    BoardPage,
    FeesAnswer,
    Fill,
    MarkPrice,
    OpenTradesAnswer,
    Order,
    PortfolioAnswer,
    PositionsAnswer,
    PricesAnswer,
    ProgressAnswer,
    SignedInAnswer,
    TradingAccountAnswer,
    UserRanks,
    UserStanding,
    WalletAnswer,
    WalletChallengeAnswer,
)
from astratrade_client.retry import Retry
from astratrade_client.socket import Socket
from astratrade_client.sse import follow_sse
from astratrade_client.wallet import Proof, Wallet
from astratrade_client.windows import CandlesAnswer, DaysAnswer, FeeHoursAnswer, HoursAnswer

OWN_WALLETS = "/v1/account/wallets"
REQUEST_TIMEOUT_S = 35.0
"""Longer than a query may wait for a position."""


class AstraTrade:
    """A client of one API. Use it as `async with AstraTrade(url) as api`.

    Every command has an Idempotency-Key, so that it is repeated when there is no answer, and takes effect once.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        api_key: str | None = None,
        credentials: Credentials | None = None,
        retry: Retry = Retry(),  # noqa: B008 - it cannot change
        http: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: The API's URL, such as `https://api.example.com`.
            token: A ready access token.
            api_key: An API key, in place of a token.
            credentials: An object of your own that gives tokens, in place of either.
            retry: How often requests and connections are repeated.
            http: A transport of httpx, for tests.
        """
        if sum(given is not None for given in (token, api_key, credentials)) > 1:
            raise ValueError("give a token, an API key, or credentials; not several")
        self.url = url.rstrip("/")
        self._retry = retry
        client = httpx.AsyncClient(
            base_url=self.url, timeout=REQUEST_TIMEOUT_S, trust_env=False, transport=http, follow_redirects=False
        )
        self._http = Http(client, credentials or FixedToken(token or api_key), retry)
        self._socket = Socket(self.url, self._http.credentials, retry)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. Feeds that are still followed end with `UnreachableError`."""
        await self._socket.close()
        await self._http.client.aclose()

    # --- signing in ---------------------------------------------------------------------------------------------------

    async def login(self, login: str, password: str) -> None:
        """Sign in with a username or e-mail address. From now on requests and feeds are the account's.

        Raises:
            ProblemError: when the API refuses it.
        """
        await self._sign_in("/v1/auth/login", {"login": login, "password": password})

    async def register(self, username: str, password: str, *, email: str | None = None) -> None:
        """Create an account and sign in with it.

        Raises:
            ProblemError: when the API refuses it.
        """
        body = {"username": username, "password": password} | ({} if email is None else {"email": email})
        await self._sign_in("/v1/auth/register", body)

    async def login_with_wallet(self, wallet: Wallet) -> None:
        """Sign in with a Starknet wallet. A wallet without an account gets one.

        Raises:
            ProblemError: when the API refuses it.
            UnexpectedAnswerError: when the API asks for a signature of something else.
        """
        path = "/v1/auth/wallet"
        challenge = await self._anonymous("POST", f"{path}/challenge", wallet.named())
        proof = await wallet.prove(cast("WalletChallengeAnswer", challenge), "sign-in", self.url)
        await self._sign_in(f"{path}/login", wallet.named() | {"proof": proof})

    async def link_wallet(self, wallet: Wallet, password: str | None = None) -> WalletAnswer:
        """Link a wallet to the account. `password` is the account's, if it has one.

        Raises:
            ProblemError: when the API refuses it.
        """
        body = wallet.named() | {"proof": await self._proof(wallet, "link")}
        given = {} if password is None else {"current_password": password}
        answer = await self._http.call("POST", OWN_WALLETS, repeat=False, json=body | given)
        return cast("WalletAnswer", answer)

    async def unlink_wallet(self, wallet: Wallet) -> None:
        """Unlink a wallet from the account.

        Raises:
            ProblemError: when the API refuses it.
        """
        path = f"{OWN_WALLETS}/{wallet.chain_id}/{wallet.address}/unlink"
        await self._http.call("POST", path, repeat=False, json={"proof": await self._proof(wallet, "unlink")})

    async def _proof(self, wallet: Wallet, purpose: str) -> Proof:
        body = wallet.named() | {"purpose": purpose}
        challenge = await self._http.call("POST", f"{OWN_WALLETS}/challenge", json=body)
        return await wallet.prove(cast("WalletChallengeAnswer", challenge), purpose, self.url)

    async def _sign_in(self, path: str, body: dict[str, Any]) -> None:
        answer = await self._anonymous("POST", path, body)
        self._use(SignedIn(cast("SignedInAnswer", answer), self._refresh))

    async def logout(self) -> None:
        """End the session at the API, and go on as an anonymous client."""
        credentials = self._http.credentials
        if isinstance(credentials, SignedIn):
            await self._http.call("POST", "/v1/auth/logout")
        self._use(FixedToken(None))

    async def _refresh(self, refresh_token: str) -> SignedInAnswer:
        answer = await self._anonymous("POST", "/v1/auth/refresh", {"refresh_token": refresh_token})
        return cast("SignedInAnswer", answer)

    async def _anonymous(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a request without a token, and once: it may have had its effect although no answer came."""
        http = Http(self._http.client, FixedToken(None), self._retry)
        return await http.call(method, path, repeat=False, json=body)

    def _use(self, credentials: Credentials) -> None:
        self._http.credentials = self._socket.credentials = credentials

    # --- commands -----------------------------------------------------------------------------------------------------

    async def open_trade(self, order: Order, *, idempotency_key: str | None = None) -> AcceptedTrade:
        """Ask to open a trade."""
        return cast("AcceptedTrade", await self.command("/v1/trades", order, idempotency_key=idempotency_key))

    async def close_trade(self, trade_id: str, *, idempotency_key: str | None = None) -> Accepted:
        """Ask to close one of the account's trades."""
        path = f"/v1/trades/{trade_id}/close"
        return cast("Accepted", await self.command(path, idempotency_key=idempotency_key))

    async def report_fills(self, fills: Sequence[Fill], *, idempotency_key: str | None = None) -> AcceptedBatch:
        """Report fills of a venue: all are accepted, or none."""
        answer = await self.command("/v1/fills", {"fills": fills}, idempotency_key=idempotency_key)
        return cast("AcceptedBatch", answer)

    async def report_prices(self, prices: Sequence[MarkPrice], *, idempotency_key: str | None = None) -> AcceptedBatch:
        """Report mark prices: all are accepted, or none."""
        answer = await self.command("/v1/prices", {"prices": prices}, idempotency_key=idempotency_key)
        return cast("AcceptedBatch", answer)

    async def command(self, path: str, body: Any = None, *, idempotency_key: str | None = None) -> dict[str, Any]:
        """Post any command and return its answer. Without a key, a new one is made."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        content = {} if body is None else {"json": body}
        return await self._http.call("POST", path, headers=headers, **content)

    # --- queries ------------------------------------------------------------------------------------------------------

    async def positions(self, user_id: str, *, after: str | None = None, at: str | None = None) -> PositionsAnswer:
        """Return a user's net positions.

        Args:
            user_id: The user.
            after: The `position` of a command whose effect is awaited.
            at: The `position` of an earlier answer. The row is returned as it was then.
        """
        return cast("PositionsAnswer", await self.get(f"/v1/users/{user_id}/positions", after=after, at=at))

    async def portfolio(self, user_id: str, *, after: str | None = None, at: str | None = None) -> PortfolioAnswer:
        """Return the sums over a user's trading."""
        return cast("PortfolioAnswer", await self.get(f"/v1/users/{user_id}/portfolio", after=after, at=at))

    async def trading_account(
        self, user_id: str, *, after: str | None = None, at: str | None = None
    ) -> TradingAccountAnswer:
        """Return a user's practice balance, and what limits the user's orders."""
        return cast("TradingAccountAnswer", await self.get(f"/v1/users/{user_id}/trading-account", after=after, at=at))

    async def open_trades(
        self, user_id: str, *, limit: int | None = None, cursor: str | None = None, after: str | None = None
    ) -> OpenTradesAnswer:
        """Return a page of a user's open practice trades, the latest first."""
        answer = await self.get(f"/v1/users/{user_id}/open-trades", limit=limit, cursor=cursor, after=after)
        return cast("OpenTradesAnswer", answer)

    async def prices(self, *, after: str | None = None) -> PricesAnswer:
        """Return the mark prices at which orders run, by market."""
        return cast("PricesAnswer", await self.get("/v1/prices", after=after))

    async def progress(self, user_id: str, *, after: str | None = None) -> ProgressAnswer:
        """Return a user's game profile."""
        return cast("ProgressAnswer", await self.get(f"/v1/users/{user_id}/progress", after=after))

    async def board(
        self,
        board: str,
        *,
        period: str = "all",
        market: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        after: str | None = None,
    ) -> BoardPage:
        """Return a page of a leaderboard."""
        path = f"/v1/leaderboards/{board}"
        answer = await self.get(path, period=period, market=market, limit=limit, cursor=cursor, after=after)
        return cast("BoardPage", answer)

    async def standing(
        self, board: str, user_id: str, *, period: str = "all", market: str | None = None, neighbours: int | None = None
    ) -> UserStanding:
        """Return a user's place on a leaderboard."""
        path = f"/v1/leaderboards/{board}/users/{user_id}"
        return cast("UserStanding", await self.get(path, period=period, market=market, neighbours=neighbours))

    async def ranks(
        self, board: str, user_ids: Sequence[str], *, period: str = "all", market: str | None = None
    ) -> UserRanks:
        """Return the places of up to 100 users on a leaderboard, all of one moment."""
        path = f"/v1/leaderboards/{board}/ranks"
        return cast("UserRanks", await self.get(path, user=list(user_ids), period=period, market=market))

    async def fees(self, *, day: str = "all", source: str | None = None, after: str | None = None) -> FeesAnswer:
        """Return fee totals."""
        return cast("FeesAnswer", await self.get("/v1/fees", day=day, source=source, after=after))

    async def candles(
        self, market: str, *, interval: str = "1m", mode: str = "live", after: str | None = None, **window: Query | None
    ) -> CandlesAnswer:
        """Return candles of a market, oldest first.

        Args:
            market: The market.
            interval: `1m`, `5m`, `1h` or `1d`.
            mode: `live` or `practice`.
            after: The `position` of a command whose effect is awaited.
            window: `begin`, `end` and `limit` of the range.
        """
        answer = await self.get(f"/v1/markets/{market}/candles", interval=interval, mode=mode, after=after, **window)
        return cast("CandlesAnswer", answer)

    async def hours(self, *, after: str | None = None, **window: Query | None) -> HoursAnswer:
        """Return active users, executions, volume and XP by hour, oldest first. `window` is the range of `candles`."""
        return cast("HoursAnswer", await self.get("/v1/stats/hours", after=after, **window))

    async def fee_hours(self, *, after: str | None = None, **window: Query | None) -> FeeHoursAnswer:
        """Return accrued fees by hour, source and asset, oldest first. `window` is the range of `candles`."""
        return cast("FeeHoursAnswer", await self.get("/v1/fees/hours", after=after, **window))

    async def days(self, user_id: str, *, after: str | None = None, **window: Query | None) -> DaysAnswer:
        """Return what a user did, earned and lost by day, oldest first. `window` is the range of `candles`."""
        return cast("DaysAnswer", await self.get(f"/v1/users/{user_id}/days", after=after, **window))

    async def get(self, path: str, **params: Query | None) -> dict[str, Any]:
        """Send any query and return its answer. Parameters that are None are left out.

        Raises:
            ProblemError: when the API refuses it; of the kind `not-yet-visible` when the effect of `after` does not
                show within the query's `wait_ms`.
        """
        return await self._http.call("GET", path, params={k: v for k, v in params.items() if v is not None})

    # --- feeds --------------------------------------------------------------------------------------------------------

    def feed(
        self, name: str, *, last_event_id: str | None = None, over: Literal["socket", "sse"] = "socket", **query: Query
    ) -> AsyncGenerator[Change]:
        """Follow a feed until the caller stops. All feeds over the socket share one connection.

        Args:
            name: The feed's name: `boards`, `progress`, `portfolio` and so on.
            last_event_id: Where to resume; a change's `id` from before.
            over: The encoding. `sse` takes one connection for each feed, for networks without WebSockets.
            query: The feed's query parameters.
        """
        state = FeedState(last_event_id)
        if over == "sse":
            return follow_sse(self._http, self._retry, name, query, state)
        return self._socket.follow(name, query, state)
