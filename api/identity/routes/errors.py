"""Answer the errors of signing in as problem documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from api.auth import unauthenticated
from api.identity.accounts import StatusError, TakenError, UnknownAccountError
from api.identity.api_keys.store import ScopeError, TooManyKeysError
from api.identity.back_off import TooManyAttemptsError
from api.identity.password_rules import WeakPasswordError
from api.identity.sign_in import NotActiveError, PasswordNeededError, WrongCredentialsError
from api.identity.sub_accounts import TooManySubAccountsError
from api.identity.threads import BusyError
from api.identity.wallets.linked import (
    LastCredentialError,
    TooManyWalletsError,
    UnknownWalletError,
    WalletTakenError,
)
from api.identity.wallets.node import RETRY_S, NodeUnavailableError
from api.identity.wallets.prover import ForeignKeyError, NotProvenError
from api.kit.problems import (
    ACCOUNT_STATE,
    FORBIDDEN,
    LAST_CREDENTIAL,
    LIMIT_REACHED,
    NOT_FOUND,
    SIGN_IN_FAILED,
    TAKEN,
    TOO_MANY_ATTEMPTS,
    TOO_MANY_WALLETS,
    UNAVAILABLE,
    VALIDATION,
    WALLET_TAKEN,
    Fault,
    Kind,
    Problem,
)

BUSY_RETRY_S = 2


@contextmanager
def as_problems(password_at: str = "#/password") -> Iterator[None]:  # noqa: S107 - a JSON pointer
    """Turn the errors of a block into problems; `password_at` points to the new password in the body."""
    try:
        yield
    except WeakPasswordError as exc:
        raise _invalid(password_at, str(exc)) from exc
    except TakenError as exc:
        raise Problem(TAKEN, str(exc)) from exc
    except WrongCredentialsError as exc:
        raise _not_signed_in(exc) from exc
    except NotActiveError as exc:
        raise Problem(FORBIDDEN, str(exc)) from exc
    except TooManyAttemptsError as exc:
        raise Problem(TOO_MANY_ATTEMPTS, str(exc), headers={"Retry-After": str(exc.retry_after_s)}) from exc
    except BusyError as exc:
        raise Problem(UNAVAILABLE, str(exc), headers={"Retry-After": str(BUSY_RETRY_S)}) from exc


WALLET_PROBLEMS: Final[Mapping[type[Exception], Kind]] = {
    WalletTakenError: WALLET_TAKEN,
    TooManyWalletsError: TOO_MANY_WALLETS,
    LastCredentialError: LAST_CREDENTIAL,
    UnknownWalletError: NOT_FOUND,
    UnknownAccountError: NOT_FOUND,
}


@contextmanager
def as_wallet_problems() -> Iterator[None]:
    """Turn the errors of a block that is about wallets into problems."""
    try:
        with as_problems():
            yield
    except NotProvenError as exc:
        raise _not_signed_in(exc) from exc
    except ForeignKeyError as exc:
        raise _invalid("#/proof/public_key", str(exc)) from exc
    except PasswordNeededError as exc:
        raise _invalid("#/current_password", str(exc)) from exc
    except NodeUnavailableError as exc:
        raise Problem(UNAVAILABLE, str(exc), headers={"Retry-After": str(RETRY_S)}) from exc
    except tuple(WALLET_PROBLEMS) as exc:
        raise Problem(WALLET_PROBLEMS[type(exc)], str(exc)) from exc


@contextmanager
def as_account_problems(scopes_at: str = "") -> Iterator[None]:
    """Turn refused changes of accounts and keys into problems; `scopes_at` points to the scopes in the body."""
    try:
        with as_problems():
            yield
    except PasswordNeededError as exc:
        raise _invalid("#/password", str(exc)) from exc
    except ScopeError as exc:
        raise _invalid(scopes_at, str(exc)) from exc
    except (TooManyKeysError, TooManySubAccountsError) as exc:
        raise Problem(LIMIT_REACHED, str(exc)) from exc
    except StatusError as exc:
        raise Problem(ACCOUNT_STATE, str(exc)) from exc
    except UnknownAccountError as exc:
        raise Problem(NOT_FOUND, str(exc)) from exc


def _not_signed_in(exc: Exception) -> Problem:
    """Return the problem of a refused proof. It says nothing of a token: none was refused."""
    return Problem(SIGN_IN_FAILED, str(exc), headers=unauthenticated("", error="").headers)


def _invalid(pointer: str, detail: str) -> Problem:
    return Problem(VALIDATION, f"{pointer}: {detail}", errors=[Fault(pointer=pointer, detail=detail)])
