"""A purchase of which a step became a dead letter is resolved all the same: the ledger asks until it has its answer."""

from __future__ import annotations

import pytest

from streams.events.chain import NFTMintConfirmed
from streams.events.financial import FundsReserved, ReservationExpired
from streams.events.gamification import AchievementUnlocked
from streams.events.nft import BuyNFT, NFTMinted, PurchaseDecided, RequestMint
from streams.times import SECOND_US, Instant
from streams.units import Quantity
from tables.accounts import available, ledger_key, reserved
from tables.financial import FINANCIAL_DEADLINES, FINANCIAL_LEDGER, FINANCIAL_RESERVATIONS
from tests.community.resized import resize
from tests.unit.agents.cluster import of_type
from tests.unit.agents.nft_kit import CONTRACT, START, order
from tests.unit.agents.social.test_constellations import Lossy

NOTHING = type(None)


def after(seconds: int) -> Instant:
    return Instant(Instant.parse(START) + seconds * SECOND_US)


@pytest.fixture
def cluster() -> Lossy:
    """Give ada a listed token at 100 SS, and bob 100 SS."""
    cluster = Lossy()
    cluster.aside = []
    for user in ("ada", "bob"):
        cluster.send(AchievementUnlocked(achievement="trades-1", tier=1, xp=50, ss=100), user, START)
    cluster.send(RequestMint(mint_id="m-1", type="first_trade"), "ada", START)
    report = NFTMintConfirmed(mint_id="m-1", user_id="ada", token_id="t-1", tx_hash="0x1", finality="accepted")
    assert of_type(cluster.send(report, CONTRACT, START), NFTMinted)
    cluster.send(order("ada", "t-1"), "t-1", START)
    return cluster


def buy(cluster: Lossy, lost: type) -> None:
    """Let bob buy the token, and lose the events of a class."""
    cluster.lost = lost
    command = BuyNFT(purchase_id="p-1", token_id="t-1", listing_id="l-t-1", asset="SS", price=Quantity.of(100))
    cluster.send(command, "bob", START)


def money(cluster: Lossy) -> dict[str, int]:
    """Return what ada and bob have, and what bob has reserved."""
    accounts = {"ada": available("ada"), "bob": available("bob"), "reserved": reserved("bob")}
    rows = {name: cluster.row(FINANCIAL_LEDGER, ledger_key(one, "SS"), one[5:8]) for name, one in accounts.items()}
    return {name: int(row.amount) // Quantity.of(1) if row else 0 for name, row in rows.items()}


def assert_resolved(cluster: Lossy) -> None:
    cluster.tick(after(600))
    assert cluster.rows(FINANCIAL_RESERVATIONS) == {}
    assert cluster.rows(FINANCIAL_DEADLINES) == {}


def test_a_sale_whose_answer_was_lost_is_captured_when_the_ledger_asks_again(cluster: Lossy) -> None:
    buy(cluster, PurchaseDecided)
    cluster.tick(after(60))
    assert money(cluster) == {"ada": 100, "bob": 0, "reserved": 100}
    cluster.lost = NOTHING
    cluster.tick(after(120))
    assert money(cluster) == {"ada": 197, "bob": 0, "reserved": 0}
    cluster.replay()
    assert money(cluster) == {"ada": 197, "bob": 0, "reserved": 0}
    assert_resolved(cluster)


def test_a_reservation_whose_question_was_lost_is_released_by_the_next_one(cluster: Lossy) -> None:
    buy(cluster, FundsReserved)
    cluster.lost = ReservationExpired
    cluster.tick(after(60))
    assert money(cluster) == {"ada": 100, "bob": 0, "reserved": 100}
    cluster.lost = NOTHING
    cluster.tick(after(119))
    assert money(cluster)["reserved"] == 100
    cluster.tick(after(120))
    assert money(cluster) == {"ada": 100, "bob": 100, "reserved": 0}
    assert_resolved(cluster)


def test_a_reservation_whose_release_was_lost_is_released_when_the_ledger_asks_again(cluster: Lossy) -> None:
    buy(cluster, FundsReserved)
    cluster.lost = PurchaseDecided
    cluster.tick(after(60))
    cluster.lost = NOTHING
    cluster.tick(after(120))
    assert money(cluster) == {"ada": 100, "bob": 100, "reserved": 0}
    assert_resolved(cluster)


def test_a_reservation_that_moves_to_a_new_partition_is_asked_about_there(cluster: Lossy) -> None:
    buy(cluster, FundsReserved)
    cluster.lost = NOTHING
    before = cluster.partition_of("bob")
    resize(cluster, 12)
    assert cluster.partition_of("bob") != before
    cluster.tick(after(59))
    assert money(cluster) == {"ada": 100, "bob": 0, "reserved": 100}
    cluster.tick(after(60))
    assert money(cluster) == {"ada": 100, "bob": 100, "reserved": 0}
    assert_resolved(cluster)
