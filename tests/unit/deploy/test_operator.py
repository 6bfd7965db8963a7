"""The actor that the audit log gets for a command."""

import getpass
import os

import pytest

from api.identity.audit import OPERATOR
from deploy.admin.accounts import operator


def unnamed() -> str:
    """Fail as the system does for a user that it does not list; Python 3.13 made an OSError of the KeyError."""
    raise KeyError("getpwuid(): uid not found")


def test_a_user_without_a_name_is_known_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", unnamed)
    assert operator() == f"{OPERATOR}uid-{os.getuid()}"
