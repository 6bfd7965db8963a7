"""The body of a decision about the pipeline: the reason, which the audit log keeps."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.kit.audited import REASON_CHARS_MAX, REASON_CHARS_MIN
from api.kit.bodies import BodyReader
from api.kit.callers import BEARER


class PipelineDecision(BaseModel):
    """Why a dead letter is replayed or dropped."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[
        str,
        StringConstraints(min_length=REASON_CHARS_MIN, max_length=REASON_CHARS_MAX),
        Field(description="why the message can be processed now, or why it is dropped; the audit log keeps this text"),
    ]


DECISION_BODY: Final = BodyReader(PipelineDecision)
BODIES: Final = (PipelineDecision,)


def described(example: str, reason: str) -> dict[str, object]:
    """Return what OpenAPI says of a route with this body."""
    return {
        "security": [{BEARER.scheme_name: []}],
        "requestBody": DECISION_BODY.described({example: {"reason": reason}}),
    }
