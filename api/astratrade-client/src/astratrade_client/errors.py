"""What can go wrong, as exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astratrade_client.models import ProblemDocument


class AstraTradeError(Exception):
    """The base of all errors of this client."""


class ProblemError(AstraTradeError):
    """The API refused a request.

    Attributes:
        document: The problem document (RFC 9457). Its `type` names the kind of problem.
        retry_after_s: After how many seconds the request may be repeated; None when the API does not say.
    """

    def __init__(self, document: ProblemDocument, retry_after_s: float | None = None) -> None:
        faults = [
            f"{fault.get('pointer') or fault.get('parameter')}: {fault.get('detail')}"
            for fault in document.get("errors", [])
        ]
        super().__init__("; ".join([f"{document['status']} {document['title']}: {document['detail']}", *faults]))
        self.document = document
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return self.document["status"]

    @property
    def kind(self) -> str:
        """Return the kind of problem: the last part of its `type`."""
        return self.document["type"].rpartition("/")[2]


class UnreachableError(AstraTradeError):
    """The API gave no answer, or only passing failures, for as long as the client was told to try."""


class SignInAgainError(AstraTradeError):
    """The session cannot be refreshed: its refresh token was refused, or it was used and no answer came."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}; sign in again")


class UnexpectedAnswerError(AstraTradeError):
    """The answer is not one of the AstraTrade API; the URL may be wrong."""


class FeedEndedError(AstraTradeError):
    """The API ended a private feed, and the client cannot renew its right to it.

    Attributes:
        why: `expired` or `revoked`.
    """

    def __init__(self, feed: str, why: str) -> None:
        super().__init__(f"the feed {feed} ended: {why}")
        self.why = why
