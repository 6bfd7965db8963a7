"""Answer the errors of signing in as problem documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.auth import unauthenticated
from api.identity.accounts import TakenError
from api.identity.back_off import TooManyAttemptsError
from api.identity.password_rules import WeakPasswordError
from api.identity.passwords import BusyError
from api.identity.sign_in import NotActiveError, WrongCredentialsError
from api.kit.problems import (
    FORBIDDEN,
    SIGN_IN_FAILED,
    TAKEN,
    TOO_MANY_ATTEMPTS,
    UNAVAILABLE,
    VALIDATION,
    Fault,
    Problem,
)

BUSY_RETRY_S = 2


@contextmanager
def answered(password_at: str = "#/password") -> Iterator[None]:  # noqa: S107 - a JSON pointer
    """Turn the errors of a block into problems; `password_at` points to the new password in the body."""
    try:
        yield
    except WeakPasswordError as exc:
        raise _invalid(password_at, str(exc)) from exc
    except TakenError as exc:
        raise Problem(TAKEN, str(exc)) from exc
    except WrongCredentialsError as exc:
        raise Problem(SIGN_IN_FAILED, str(exc), headers=unauthenticated("").headers) from exc
    except NotActiveError as exc:
        raise Problem(FORBIDDEN, str(exc)) from exc
    except TooManyAttemptsError as exc:
        raise Problem(TOO_MANY_ATTEMPTS, str(exc), headers={"Retry-After": str(exc.retry_after_s)}) from exc
    except BusyError as exc:
        raise Problem(UNAVAILABLE, str(exc), headers={"Retry-After": str(BUSY_RETRY_S)}) from exc


def _invalid(pointer: str, detail: str) -> Problem:
    return Problem(VALIDATION, f"{pointer}: {detail}", errors=[Fault(pointer=pointer, detail=detail)])
