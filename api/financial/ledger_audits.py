"""What the audits of the ledger found: `GET /v1/ledger/audits`. Each partition audits its money at ticks.

The route reads one row of each partition, however many accounts there are.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.kit.callers import Caller
from api.kit.context import ApiDep
from api.kit.openapi import problems
from streams.times import Instant
from tables.financial import AUDIT_KEY, FINANCIAL_AUDITS, Audit
from tables.financial_audit import RULES

router = APIRouter(prefix="/v1", responses=problems(401, 403, 503))


class LedgerRule(BaseModel):
    """What must hold in each partition, and how often it does not."""

    rule: Annotated[str, Field(examples=["balanced"])]
    meaning: Annotated[str, Field(examples=["the accounts of an asset sum to 0"])]
    breaches: Annotated[int, Field(description="accounts and totals that break it, in all partitions together")]


class PartitionAudit(BaseModel):
    """The last audit of a partition."""

    partition: int
    at: Annotated[Instant | None, Field(description="event time; null before the first audit")]
    breaches: Annotated[dict[str, int], Field(description="by rule, without those that hold")]


class LedgerAudits(BaseModel):
    """What the last audits found."""

    holds: Annotated[bool | None, Field(description="no audit found a breach; null while a partition was not audited")]
    rules: list[LedgerRule]
    partitions: list[PartitionAudit]


@router.get("/ledger/audits", summary="Audits of the ledger")
async def get_ledger_audits(api: ApiDep, _: Caller) -> LedgerAudits:
    """Return what the last audit of each partition found. `astratrade audit ledger` names the accounts. For staff."""
    stored = await api.tables.in_each(FINANCIAL_AUDITS.name, AUDIT_KEY)
    audits = {partition: None if raw is None else Audit.load(raw) for partition, raw in stored.items()}
    known = [audit for audit in audits.values() if audit is not None]
    rules = [
        LedgerRule(rule=rule, meaning=meaning, breaches=sum(audit.breaches.get(rule, 0) for audit in known))
        for rule, meaning in RULES.items()
    ]
    broken = any(rule.breaches for rule in rules)
    return LedgerAudits(
        holds=False if broken else True if len(known) == len(audits) else None,
        rules=rules,
        partitions=[_partition(partition, audit) for partition, audit in sorted(audits.items())],
    )


def _partition(partition: int, audit: Audit | None) -> PartitionAudit:
    if audit is None:
        return PartitionAudit(partition=partition, at=None, breaches={})
    found = {rule: number for rule, number in audit.breaches.items() if number}
    return PartitionAudit(partition=partition, at=Instant(audit.at), breaches=found)
