"""A process that creates accounts until it is killed: `python -m tests.identity.writer URL [stop]`.

It prints the id of each account whose transaction has committed. With `stop` it prints `written` within a transaction
and never commits.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from api.identity import accounts
from api.identity.store.database import IdentityStore
from api.identity.store.tables import OUTBOX
from api.kit.clock import now
from streams.connect.outbox.unit_of_work import add_events


async def write(url: str, *, stop: bool) -> None:
    store = IdentityStore(url)
    await store.open()
    for number in count():
        account_id = f"account-{number}"
        async with store.work(now()) as work:
            await accounts.create_account(work, username=account_id, account_id=account_id, password_hash="$argon2id$")
            if stop:
                await work.finish()
                await add_events(work, OUTBOX)  # all is written; only the commit is missing
                print("written", flush=True)  # noqa: T201
                await asyncio.sleep(600)
        print(account_id, flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], stop="stop" in sys.argv))
