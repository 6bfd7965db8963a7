"""What always holds of money: conservation, reservations, fees, withdrawals, tokens."""

from __future__ import annotations

from collections import Counter, defaultdict

from streams.events.financial import FeeAccrued, WithdrawalCompleted
from streams.events.nft import NFTSold
from tables.accounts import account_of, is_of_user, user_part
from tables.financial import (
    ALL_DAYS,
    FINANCIAL_FEES,
    FINANCIAL_LEDGER,
    FINANCIAL_RESERVATIONS,
    FINANCIAL_WITHDRAWALS,
    TOTAL,
)
from tables.nft import NFT_COLLECTORS, NFT_TOKENS
from tests.community.invariants.facts import Broken, Facts


def money_is_conserved(facts: Facts) -> Broken:
    """Check the ledger: each asset sums to 0, and no user owes."""
    totals: Counter[str] = Counter()
    for key, row in facts.parts(FINANCIAL_LEDGER):
        account, asset = account_of(key)
        totals[asset] += int(row.amount)
        if is_of_user(account) and row.amount < 0:
            yield f"{account} has {row.amount} {asset}"
    for asset, total in totals.items():
        if total:
            yield f"the accounts of {asset} sum to {total}, not 0"


def what_is_reserved_is_what_is_open(facts: Facts) -> Broken:
    """Check each user's reserved money: it is the sum of the open withdrawals, as no purchase is open any more."""
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for user, row in facts.rows(FINANCIAL_WITHDRAWALS).items():
        for one in row.open:
            expected[user, one.asset] += int(one.amount)
    found: dict[tuple[str, str], int] = defaultdict(int)
    for key, row in facts.parts(FINANCIAL_LEDGER):
        account, asset = account_of(key)
        owner = user_part(account)
        if owner is not None and owner[1] == "reserved" and row.amount:
            found[owner[0], asset] += int(row.amount)
    if found != expected:
        yield f"reserved is {dict(found)}, open withdrawals are {dict(expected)}"
    for key in facts.rows(FINANCIAL_RESERVATIONS):
        yield f"reservation {key} is still open"


def fees_are_those_that_accrued(facts: Facts) -> Broken:
    """Check the all-time totals of fees against the events that accrued them, and the split against the whole."""
    expected: Counter[str] = Counter()
    for event in facts.of(FeeAccrued):
        expected[TOTAL] += int(event.data.amount)
        for beneficiary, amount in event.data.beneficiaries.items():
            expected[beneficiary] += int(amount)
    found: Counter[str] = Counter()
    for key, row in facts.parts(FINANCIAL_FEES):
        source, asset, day, beneficiary = key.split("|")
        if (source, asset, day) == ("trading", "USD", ALL_DAYS):
            found[beneficiary] += row.amount
    if +found != +expected:
        yield f"fees of trades are {dict(found)}, accrued were {dict(expected)}"
    if sum(amount for name, amount in found.items() if name != TOTAL) != found[TOTAL]:
        yield f"the shares of the fees of trades do not sum to the total: {dict(found)}"


def a_withdrawal_is_paid_once(facts: Facts) -> Broken:
    """Check that no withdrawal was completed twice."""
    paid = Counter(event.data.withdrawal_id for event in facts.of(WithdrawalCompleted))
    yield from (f"withdrawal {name} was paid {count} times" for name, count in paid.items() if count > 1)


def tokens_are_minted_and_sold_once(facts: Facts) -> Broken:
    """Check that a user has one mint of a type, each with one token, and that a listing was sold once."""
    minted = Counter(
        mint.token_id
        for row in facts.rows(NFT_COLLECTORS).values()
        for mint in row.mints.values()
        if mint.status == "minted"
    )
    tokens = facts.rows(NFT_TOKENS)
    if minted != Counter(tokens.keys()):
        yield f"minted are {dict(minted)}, tokens are {sorted(tokens)}"
    sold = Counter(event.data.listing_id for event in facts.of(NFTSold))
    yield from (f"listing {key} was sold {count} times" for key, count in sold.items() if count > 1)
