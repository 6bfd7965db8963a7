"""The load of a run: users who send requests to the API from a thread, until they are stopped."""

from __future__ import annotations

import asyncio
import random
import threading
import traceback
from collections import Counter

from api.identity.store.database import IdentityStore
from tests.outbox.gateway import gateway
from tests.outbox.ledger import Ledger
from tests.outbox.operator import Operator
from tests.outbox.users import Access, User

LANES = 4
ENDS_WITHIN_S = 120.0
USERS_OF_LANE_MAX = 4
NEW_USER_SHARE = 0.1


class Load:
    """Some lanes of users. The users of a lane take turns, and each waits for its answer.

    Attributes:
        users: All users so far.
        statuses: How many answers had each status; 0 stands for a connection that broke.
        failure: What went wrong first.
    """

    def __init__(self, api_url: str, database_url: str, seed: int, ledger: Ledger) -> None:
        self.ledger = ledger
        self.users: list[User] = []
        self.statuses = Counter[int]()
        self.failure = ""
        self._api_url = api_url
        self._database_url = database_url
        self._seed = str(seed)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the requests in flight."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_WITHIN_S)
            assert not self._thread.is_alive(), "the load does not end"

    @property
    def registered(self) -> list[User]:
        """Return the users whose registration was answered, or who could sign in after it."""
        return [user for user in self.users if user.user_id]

    def verify(self) -> None:
        """Fail unless the API, which must be up, keeps what its answers said. The load must have stopped."""
        asyncio.run(self._verify())

    def place_again(self) -> None:
        """Send all orders again whose users are signed in."""
        asyncio.run(self._place_again())

    def _run(self) -> None:
        try:
            asyncio.run(self._act())
        except Exception:
            self.failure = traceback.format_exc()

    async def _act(self) -> None:
        store = IdentityStore(self._database_url)
        try:
            async with gateway(self._api_url, self.statuses) as api, asyncio.TaskGroup() as lanes:
                for lane in range(LANES):
                    lanes.create_task(self._lane(lane, Access(api, Operator(store), self.ledger)))
        finally:
            await store.close()

    async def _lane(self, lane: int, access: Access) -> None:
        users: list[User] = []
        choice = random.Random(f"{self._seed} {lane}")
        while not self._stopping.is_set():
            if not users or (len(users) < USERS_OF_LANE_MAX and choice.random() < NEW_USER_SHARE):
                name, address = f"user-{lane}-{len(users)}", f"198.51.100.{lane * USERS_OF_LANE_MAX + len(users)}"
                users.append(User(name, address, access, self._seed))
                self.users.append(users[-1])
            await choice.choice(users).act()

    async def _verify(self) -> None:
        async with gateway(self._api_url, self.statuses) as api, asyncio.TaskGroup() as checks:
            for user in self.registered:
                user.access.gateway = api
                checks.create_task(user.verify())

    async def _place_again(self) -> None:
        async with gateway(self._api_url, self.statuses) as api:
            for user in self.registered:
                user.access.gateway = api
                if user.sessions:
                    await user.place_again()
