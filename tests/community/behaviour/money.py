"""Money: deposits, withdrawals, plans, and the bank and the moderator who answer."""

from __future__ import annotations

from random import Random

from tests.community.behaviour.acts import BANK, MODERATOR, Act
from tests.community.behaviour.people import Moment, Person

UNIT = 10**18
PLANS = ("navigator", "captain", "admiral")
ALL_PLANS = ("explorer", *PLANS)
CYCLES = ("month", "month", "month", "quarter", "year")


def announce_deposit(person: Person, moment: Moment) -> Act | None:
    """Say that money is on its way."""
    asset = moment.random.choice(("USD", "STRK"))
    data = {"asset": asset, "amount": _amount(moment.random, asset), "provider": BANK}
    return Act(person.id, "RequestDeposit", data)


def deposit(person: Person, moment: Moment) -> Act | None:
    """Let the bank report money for a person. Seldom it reports the same reference once more."""
    random = moment.random
    asset = random.choice(("USD", "USD", "USD", "STRK"))
    reference = f"r-{random.getrandbits(40)}" if random.random() < 0.95 else f"r-{random.randrange(5)}"
    data = {"user_id": person.id, "asset": asset, "amount": _amount(random, asset), "reference": reference}
    return Act(BANK, "ReportDeposit", {**data, "provider": BANK}, frozenset({person.id, reference}))


def withdraw(person: Person, moment: Moment) -> Act | None:
    """Ask for money: mostly what is there, sometimes more."""
    random, asset = moment.random, moment.random.choice(("USD", "USD", "STRK"))
    there = moment.view.balance(person.id, asset)
    if there < UNIT and random.random() < 0.95:
        return None
    wanted = max(UNIT, int(there * random.choice((0.1, 0.4, 0.9, 1.0, 1.3))))
    places = 10**10 if asset == "USD" else 1
    wanted -= wanted % places
    data = {"asset": asset, "amount": text_of(wanted), "destination": f"account-{random.randrange(1000)}"}
    return Act(person.id, "Withdraw", data)


def subscribe(person: Person, moment: Moment) -> Act | None:
    """Begin a plan, or change or cancel the one that runs."""
    random, plan = moment.random, moment.view.plan(person.id)
    if plan is None or random.random() < 0.1:
        if moment.view.balance(person.id, "USD") < 10 * UNIT and random.random() < 0.9:
            return None
        return Act(person.id, "Subscribe", {"plan": random.choice(PLANS), "cycle": random.choice(CYCLES)})
    if random.random() < 0.75:
        return Act(person.id, "ChangePlan", {"plan": random.choice(ALL_PLANS)})
    return Act(person.id, "CancelPlan", {})


def answers(moment: Moment) -> list[Act]:
    """Return what the moderator and the bank decide about withdrawals."""
    random, view = moment.random, moment.view
    found = []
    for key in view.reviews:
        if random.random() < 0.5:
            user, withdrawal = key.split("|")
            data = {"user_id": user, "withdrawal_id": withdrawal, "approve": random.random() < 0.7}
            found.append(Act(MODERATOR, "ReviewWithdrawal", {**data, "moderator": MODERATOR}, frozenset({user})))
    for user, withdrawal in view.to_pay_out:
        if random.random() < 0.7:
            data = {"user_id": user, "withdrawal_id": withdrawal, "paid": random.random() < 0.93}
            more = {"provider": BANK, "reference": f"p-{random.getrandbits(40)}"}
            found.append(Act(BANK, "ReportPayout", data | more, frozenset({user})))
    return found


def _amount(random: Random, asset: str) -> str:
    if asset == "STRK":
        return text_of(random.randrange(1, 3_000) * UNIT // 7)
    return f"{random.choice((20, 150, 900, 1_500, 4_000, 14_000)) * (0.5 + random.random()):.2f}"


def text_of(amount: int) -> str:
    """Return an amount in 1e-18 as decimal text."""
    whole, rest = divmod(amount, UNIT)
    return f"{whole}.{rest:018d}".rstrip("0").rstrip(".")
