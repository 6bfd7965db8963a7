"""Reading what belongs to another user: moderators and admins give a reason, which the audit log keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import HTTPConnection

from api.auth import Principal, Role
from api.identity import audit
from api.identity.store.errors import StoreError
from api.kit.clock import now
from api.kit.context import Api
from api.kit.problems import FORBIDDEN, UNAVAILABLE, Problem, invalid
from api.permissions import USER_ID, Permission
from streams.events.base import ID_PATTERN

HEADER: Final = "X-Audit-Reason"
REASON_CHARS_MIN: Final = 8
REASON_CHARS_MAX: Final = 200
AUDITED: Final = frozenset({Role.MODERATOR, Role.ADMIN})
"""The roles of people. A service reads for its users, as its own configuration says."""
ACTION: Final = "private.read"
ANYONE: Final = "pipeline"
"""The subject of an entry about events and rows, which may belong to any user. The entry's detail says which."""
ASKED: Final[Mapping[str, str]] = {
    "table": r"^[a-z-]{3,64}$",
    "key": r"^[^\x00-\x1f\x7f-\x9f]{1,256}$",
    "event": r"^[!-~]{8,128}$",
    "letter_id": r"^[!-9;-~]{1,64}:[!-9;-~]{1,64}:[0-9]{1,6}:[0-9]{1,18}$",
    "at": r"^[!-~]{1,2048}$",
}
"""The parameters that select what an audited route shows, with their patterns. An entry lists them in this order."""

_ID: Final = re.compile(ID_PATTERN)


async def record_foreign_read(
    api: Api, connection: HTTPConnection, permission: Permission, caller: Principal | None
) -> None:
    """Write to the audit log why a moderator or admin reads data of other users. The route answers after that.

    Raises:
        Problem: 403 without a reason, 422 when a parameter does not match its pattern or is repeated; 503 when
            the reason cannot be written.
    """
    if permission.audited:
        _refuse_repeated(connection)
    if caller is None or caller.role not in AUDITED or not (permission.owned or permission.audited):
        return
    owner = connection.path_params[USER_ID] if permission.owned else ANYONE
    if owner == caller.subject:
        return
    detail: dict[str, Any] = {"reason": _reason(connection), "route": connection.scope["route"].path}
    if permission.audited:
        detail["asked"] = _asked(connection)
    elif not _ID.fullmatch(owner):
        raise invalid(USER_ID, f"must match {ID_PATTERN}")
    await record(api, caller, ACTION, owner, detail)


async def record(api: Api, caller: Principal, action: str, subject: str, detail: dict[str, Any]) -> None:
    """Write an entry of the audit log, with the caller's API key if the request has one.

    Raises:
        Problem: 503 when it cannot be written.
    """
    if caller.key_id is not None:
        detail["key"] = caller.key_id
    try:
        async with api.store.work(now()) as work:
            await audit.record(work, actor=caller.subject, action=action, subject=subject, detail=detail)
    except (SQLAlchemyError, StoreError, OSError) as exc:
        raise Problem(UNAVAILABLE, "the audit log cannot be written just now", headers={"Retry-After": "1"}) from exc


def _refuse_repeated(connection: HTTPConnection) -> None:
    """Refuse a parameter that comes twice: the entry could have another value than the answer."""
    names = [name for name, _ in connection.query_params.multi_items()]
    for name in names:
        if names.count(name) > 1:
            raise invalid(name[:64], "comes more than once")


def _asked(connection: HTTPConnection) -> dict[str, str]:
    """Return the request's values of the parameters in `ASKED`, decoded and not cut."""
    given = connection.path_params | dict(connection.query_params)
    asked = {name: given[name] for name in ASKED if name in given}
    for name, value in asked.items():
        if not re.fullmatch(ASKED[name], value):
            raise invalid(name, f"must match {ASKED[name]}")
    return asked


def _reason(connection: HTTPConnection) -> str:
    reason = connection.headers.get(HEADER, "").strip()
    if not REASON_CHARS_MIN <= len(reason) <= REASON_CHARS_MAX or not reason.isprintable():
        expected = f"{REASON_CHARS_MIN} to {REASON_CHARS_MAX} printable characters"
        raise Problem(FORBIDDEN, f"this belongs to others; say why you read it in {HEADER}, in {expected}")
    return reason
