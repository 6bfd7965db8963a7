"""Random journals of the social domain: people, constellations and battles, in rounds of simulated time.

Of other domains they have only trades, which fight the battles.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

from streams.events.clock import ticked
from streams.ids import opened_trade_id
from streams.times import Instant
from tests.community.journal import PRICE, TICK, Entry
from tests.community.social_alone import SocialAlone

SECOND: Final = 1_000_000
START: Final = 1_767_614_400_000_000
"""2026-01-05T12:00:00Z."""
PLATFORMS: Final = ("reddit", "twitter", "discord", "instagram", "telegram", "facebook")
KINDS: Final = ("like", "comment", "share", "endorse", "follow", "follow", "report")
CLOSED: Final = 0.3
"""How many of those who would be suspended close their accounts instead."""
BATTLES: Final = ("trading_duel", "stellar_supremacy", "cosmic_conquest")


class SocialJournal:
    """Makes a random journal. It asks the oracle for constellations and challenges, so that most commands make sense.

    Attributes:
        entries: What was made so far.
    """

    def __init__(self, seed: int, users: int) -> None:
        self.random = Random(seed)
        self.users = [f"user-{number:02d}" for number in range(users)]
        self.entries: list[Entry] = []
        self.at = START
        self.community = SocialAlone()
        self.contents: list[tuple[str, str]] = []
        self.fills = 0
        self.opened: list[tuple[str, str]] = []

    def made(self, rounds: int) -> list[Entry]:
        """Return the journal of so many rounds, after the registration of all users."""
        for user in self.users:
            self._add("AccountRegistered", user, user_id=user, role="user", username=user)
        for _ in range(rounds):
            self._wait()
            for _ in range(self.random.randint(1, 6)):
                self._act()
        self._tick(24 * 3600 * SECOND)
        self._tick(200 * 3600 * SECOND)
        return self.entries

    def _wait(self) -> None:
        """Let some time pass: seconds, minutes or hours."""
        self._tick(self.random.choice((1, 4, 7, 61, 600, 3_600, 20_000)) * SECOND)

    def _tick(self, after: int) -> None:
        self.at += after
        self._add(TICK, "", ticked(Instant(self.at), 1).id)

    def _add(self, name: str, user: str, entry_id: str = "", /, **data: Any) -> str:
        number = len(self.entries)
        entry_id = entry_id or self._id(number)
        known = {field: value for field, value in data.items() if value is not None}
        entry = Entry(number=number, at=self.at, name=name, user=user, id=entry_id, data=known)
        self.entries.append(entry)
        self.community.apply(entry)
        return entry_id

    def _constellation(self) -> str:
        """Return a constellation that exists, or now and then one that does not."""
        found = [one.id for one in self.community.social.constellations.all.values() if not one.dissolved_at]
        return self.random.choice([*found, *found, *found, "nowhere"])

    def _leader(self, constellation: str) -> str:
        """Return the owner of a constellation, or now and then another user."""
        found = self.community.social.constellations.all.get(constellation)
        return self.random.choice(self.users) if found is None or self.random.random() < 0.1 else found.owner

    def _id(self, number: int) -> str:
        time = f"{self.at // 1_000:012x}"
        return f"{time[:8]}-{time[8:]}-7000-8000-{number:012x}"

    def _act(self) -> None:
        user = self.random.choice(self.users)
        acts = (
            (self._interact, 8),
            (self._unfollow, 1),
            (self._share, 4),
            (self._profile, 1),
            (self._clan, 5),
            (self._lead, 2),
            (self._battle, 5),
            (self._trade, 7),
            (self._practise, 3),
            (self._account, 1),
        )
        act = self.random.choices([one for one, _ in acts], [weight for _, weight in acts])[0]
        act(user)

    def _other(self, user: str) -> str:
        return self.random.choice([one for one in (*self.users, "nobody") if one != user])

    def _interact(self, user: str) -> None:
        kind = self.random.choice(KINDS)
        if kind in ("like", "comment", "share") and self.contents and self.random.random() < 0.5:
            author, content = self.random.choice(self.contents)
            if author != user:
                platform = self.random.choice(PLATFORMS) if kind == "share" else None
                self._add("Interact", user, target=author, kind=kind, content_id=content, platform=platform)
            return
        self._add("Interact", user, target=self._other(user), kind=kind)

    def _unfollow(self, user: str) -> None:
        self._add("Unfollow", user, target=self._other(user))

    def _share(self, user: str) -> None:
        if self.contents and self.random.random() < 0.4:
            author, content = self.random.choice(self.contents)
            self._add("ShareContent", author, content_id=content, platform=self.random.choice(PLATFORMS))
            return
        content = f"content-{len(self.entries)}"
        about = self.random.choice((None, "t-1"))
        platform = self.random.choice(PLATFORMS)
        self._add("ShareContent", user, content_id=content, platform=platform, kind="trade", about=about)
        self.contents.append((user, content))

    def _profile(self, user: str) -> None:
        self._add("CreateProfile", user, display_name=user.title(), bio=self.random.choice((None, "Trades.")))

    def _account(self, user: str) -> None:
        match self.random.randint(0, 3):
            case 0 if self.random.random() < CLOSED:
                self._add("AccountClosed", user, user_id=user)
            case 0:
                self._add("AccountSuspended", user, user_id=user)
            case 1:
                self._add("AccountReinstated", user, user_id=user)
            case _:
                self._add("ProfileChanged", user, user_id=user, private=self.random.random() < 0.3, username=user)

    def _clan(self, user: str) -> None:
        match self.random.randint(0, 5):
            case 0:
                entry_id = self._id(len(self.entries))
                name = self.random.choice(("Northern Lights", "NORTHERN  lights", f"Clan {len(self.entries)}"))
                cap = self.random.choice((None, 5, 6))
                self._add("CreateConstellation", user, entry_id, constellation_id=entry_id, name=name, members_max=cap)
            case 1 if self.random.random() < 0.3:
                self._add("LeaveConstellation", user)
            case 2 if self.random.random() < 0.1:
                self._add("DissolveConstellation", user)
            case _:
                self._add("JoinConstellation", user, constellation_id=self._constellation())

    def _lead(self, user: str) -> None:
        leader = self._leader(self._constellation())
        match self.random.randint(0, 3):
            case 0:
                role = self.random.choice(("admin", "member", "recruit"))
                self._add("ChangeMemberRole", leader, member=self._other(leader), role=role)
            case 1 if self.random.random() < 0.3:
                self._add("LiftBan", leader, member=self._other(leader))
            case 1:
                ban = self.random.choice((None, True, False))
                self._add("RemoveMember", self.random.choice((leader, user)), member=self._other(leader), ban=ban)
            case _:
                self._add("ContributeShards", user, amount=self.random.choice((1, 30, 10_000)))

    def _battle(self, user: str) -> None:
        challenges = [*self.community.social.battles.challenged.values()]
        if not challenges or self.random.random() < 0.3:
            self._challenge(self._leader(self._constellation()))
            return
        battle = self.random.choice(challenges)
        name = self.random.choices(("AcceptBattle", "DeclineBattle", "WithdrawChallenge"), (8, 1, 1))[0]
        side = "challenger" if name == "WithdrawChallenge" else "defender"
        self._add(name, self._leader(battle.sides[side]), battle_id=battle.id)

    def _challenge(self, user: str) -> None:
        entry_id, opponent = self._id(len(self.entries)), self._constellation()
        kind, hours = self.random.choice(BATTLES), self.random.choice((1, 1, 2, None))
        self._add("ChallengeBattle", user, entry_id, battle_id=entry_id, opponent=opponent, kind=kind, hours=hours)

    def _trade(self, user: str) -> None:
        self.at += 1
        self.fills += 1
        pnl = self.random.choice(("0", "0", "12.50", "-7.25", "150.00", "-300.00", "0.00000001"))
        self._add(
            "ReportFill",
            user,
            fill_id=f"f-{self.fills}",
            user_id=user,
            trade_id=f"t-{self.fills // 30 + self.random.randint(0, 2)}",
            market="BTC",
            side="buy",
            price="50000",
            size="0.02",
            notional_usd="1000.00",
            fee_usd="1.50",
            closed_pnl_usd=pnl,
            closes=self.random.random() < 0.3,
            venue="tape",
        )

    def _practise(self, user: str) -> None:
        """Open a practice trade, or let the price move and close one."""
        self.at += 1
        self._add(PRICE, "", market="BTC", price=self.random.choice(("48000", "50000", "51000", "40000")))
        if self.opened and self.random.random() < 0.5:
            owner, trade_id = self.opened.pop(self.random.randrange(len(self.opened)))
            self._add("CloseTrade", owner, trade_id=trade_id)
            return
        side = self.random.choice(("long", "short"))
        entry_id = self._add("OpenTrade", user, market="BTC", side=side, notional_usd="1000.00", leverage=10)
        self.opened.append((user, opened_trade_id(entry_id)))
