"""Genesis NFTs: one of each type a user, frozen metadata, and the standard's transfers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.chain.abi import short_string
from tests.chain.deployed import Chain, Deployed, Receipt, reverts
from tests.chain.node import ContractError
from tests.chain.transactions import Account, RevertedError

pytestmark = pytest.mark.heavy  # in CI, random transactions are compared with a reference
KIND, RARITY, URI = "first_trade", "common", "https://astra.example/genesis/first-trade-of-a-user-with-a-long-name.json"
ANN, BOB = 0xA22, 0xB0B
RECEIVER_ID = 0x3A0DFF5F70D80458AD14AE37BB182A728E3C8CDDA0402A5DAA86620BDF910BC


@pytest.fixture(scope="module")
def deployed_genesis(chain: Chain) -> Iterator[Deployed]:
    with chain.rolled_back():
        yield chain.deploy("GenesisNFT", *(account.address for account in chain.accounts[:3]))


@pytest.fixture
def genesis(chain: Chain, deployed_genesis: Deployed) -> Iterator[Deployed]:
    """Return the contract; the first three accounts own, pause and mint."""
    with chain.rolled_back():
        yield deployed_genesis


@pytest.fixture
def holder(chain: Chain) -> Account:
    return chain.accounts[3]


@pytest.fixture
def other(chain: Chain) -> Account:
    return chain.accounts[4]


REQUESTS = count(1)


def mint(chain: Chain, genesis: Deployed, user: int, kind: str = KIND, request: int | None = None) -> Receipt:
    """Mint by the minter, for a new request unless one is named."""
    named = next(REQUESTS) if request is None else request
    return genesis.invoke("mint", named, user, kind, RARITY, URI, by=chain.accounts[2])


def test_a_minted_token_says_what_it_is_for(chain: Chain, genesis: Deployed) -> None:
    receipt = mint(chain, genesis, ANN, request=77)
    last = genesis.call("sequence")
    assert receipt.one("Transfer").fields == {"from": 0, "to": ANN, "token_id": 1, "sequence": last - 1}
    assert receipt.one("AchievementMinted").fields == {
        "sequence": last,
        "user": ANN,
        "kind": short_string(KIND),
        "request": 77,
        "token_id": 1,
        "rarity": short_string(RARITY),
        "uri": URI,
    }
    assert (genesis.call("owner_of", 1), genesis.call("balance_of", ANN), genesis.call("total_supply")) == (ANN, 1, 1)
    assert genesis.call("token_uri", 1) == URI
    expected = {"kind": short_string(KIND), "rarity": short_string(RARITY), "earned_by": ANN}
    assert genesis.call("achievement", 1) == expected
    assert (genesis.call("token_for", ANN, KIND), genesis.call("token_for", BOB, KIND)) == (1, 0)
    assert [genesis.call(name) for name in ("name", "symbol")] == ["AstraTrade Genesis", "GENESIS"]


def test_a_user_gets_one_of_each_type(chain: Chain, genesis: Deployed) -> None:
    mint(chain, genesis, ANN)
    with reverts("GenesisNFT: already minted"):
        mint(chain, genesis, ANN)
    mint(chain, genesis, ANN, "trading_master")
    mint(chain, genesis, BOB)
    assert (genesis.call("balance_of", ANN), genesis.call("balance_of", BOB)) == (2, 1)


def test_a_request_makes_one_token(chain: Chain, genesis: Deployed) -> None:
    mint(chain, genesis, ANN, request=77)
    for user, kind in ((ANN, KIND), (ANN, "trading_master"), (BOB, KIND)):
        with reverts("GenesisNFT: request was minted"):
            mint(chain, genesis, user, kind, request=77)
    with reverts("GenesisNFT: request is zero"):
        mint(chain, genesis, BOB, request=0)
    assert [genesis.call("token_of_request", each) for each in (77, 78)] == [1, 0]


def test_giving_a_token_away_earns_no_second_one(
    chain: Chain, genesis: Deployed, holder: Account, other: Account
) -> None:
    mint(chain, genesis, holder.address)
    mint(chain, genesis, other.address)
    genesis.invoke("transfer_from", holder.address, other.address, 1, by=holder)
    with reverts("GenesisNFT: already minted"):
        mint(chain, genesis, holder.address)
    assert genesis.call("achievement", 1)["earned_by"] == holder.address
    assert genesis.call("balance_of", other.address) == 2


def test_only_the_minter_mints(chain: Chain, genesis: Deployed) -> None:
    for account in (*chain.accounts[:2], chain.accounts[3]):
        with reverts("Roles: missing role"):
            genesis.invoke("mint", 1, ANN, KIND, RARITY, URI, by=account)


def test_a_token_is_for_somebody_and_has_a_type(chain: Chain, genesis: Deployed) -> None:
    with reverts("ERC721: recipient is zero"):
        mint(chain, genesis, 0)
    with reverts("GenesisNFT: type is zero"):
        mint(chain, genesis, ANN, "")


def test_a_pause_stops_minting_and_traps_no_token(
    chain: Chain, genesis: Deployed, holder: Account, other: Account
) -> None:
    mint(chain, genesis, holder.address)
    genesis.invoke("pause", by=chain.accounts[1])
    with reverts("Pausable: paused"):
        mint(chain, genesis, ANN)
    genesis.invoke("transfer_from", holder.address, other.address, 1, by=holder)
    assert genesis.call("owner_of", 1) == other.address


def test_nothing_changes_the_metadata(genesis: Deployed) -> None:
    functions = genesis.contract_class.abi.functions
    changing = {name for name, each in functions.items() if each["state_mutability"] != "view"}
    governed = {"transfer_ownership", "accept_ownership", "grant_role", "revoke_role", "renounce_role"}
    governed |= {"pause", "unpause", "announce", "execute", "cancel", "upgrade"}
    standard = {"approve", "set_approval_for_all", "transfer_from", "safe_transfer_from"}
    assert changing - governed == standard | {"mint"}


def test_the_owner_moves_a_token(chain: Chain, genesis: Deployed, holder: Account, other: Account) -> None:
    mint(chain, genesis, holder.address)
    moved = genesis.invoke("transfer_from", holder.address, other.address, 1, by=holder).one("Transfer")
    parties = {"from": holder.address, "to": other.address, "token_id": 1}
    assert moved.fields == {**parties, "sequence": genesis.call("sequence")}
    assert list(moved.fields)[-1] == "sequence"
    assert (genesis.call("balance_of", holder.address), genesis.call("balance_of", other.address)) == (0, 1)
    with reverts("ERC721: unauthorized caller"):
        genesis.invoke("transfer_from", holder.address, other.address, 1, by=holder)


def test_a_wrong_transfer_is_refused(chain: Chain, genesis: Deployed, holder: Account, other: Account) -> None:
    mint(chain, genesis, holder.address)
    for sender, recipient, token, by, reason in (
        (holder.address, 0, 1, holder, "recipient is zero"),
        (holder.address, other.address, 2, holder, "no such token"),
        (holder.address, other.address, 1, other, "unauthorized caller"),
        (other.address, other.address, 1, holder, "not the owner"),
    ):
        for function, rest in (("transfer_from", ()), ("safe_transfer_from", ([],))):
            with reverts(f"ERC721: {reason}"):
                genesis.invoke(function, sender, recipient, token, *rest, by=by)


def test_an_approval_is_for_one_token_and_one_transfer(
    chain: Chain, genesis: Deployed, holder: Account, other: Account
) -> None:
    mint(chain, genesis, holder.address)
    mint(chain, genesis, holder.address, "trading_master")
    approved = genesis.invoke("approve", other.address, 1, by=holder).one("Approval")
    parties = {"owner": holder.address, "approved": other.address, "token_id": 1}
    assert approved.fields == {**parties, "sequence": genesis.call("sequence")}
    assert genesis.call("get_approved", 1) == other.address
    with reverts("ERC721: unauthorized caller"):
        genesis.invoke("transfer_from", holder.address, other.address, 2, by=other)
    genesis.invoke("transfer_from", holder.address, BOB, 1, by=other)
    assert (genesis.call("owner_of", 1), genesis.call("get_approved", 1)) == (BOB, 0)
    with reverts("ERC721: unauthorized caller"):
        genesis.invoke("transfer_from", BOB, other.address, 1, by=other)


def test_an_approval_can_be_withdrawn(chain: Chain, genesis: Deployed, holder: Account, other: Account) -> None:
    mint(chain, genesis, holder.address)
    genesis.invoke("approve", other.address, 1, by=holder)
    genesis.invoke("approve", 0, 1, by=holder)
    with reverts("ERC721: unauthorized caller"):
        genesis.invoke("transfer_from", holder.address, other.address, 1, by=other)


def test_an_operator_moves_all_tokens_until_it_may_not(
    chain: Chain, genesis: Deployed, holder: Account, other: Account
) -> None:
    mint(chain, genesis, holder.address)
    mint(chain, genesis, holder.address, "trading_master")
    allowed = genesis.invoke("set_approval_for_all", other.address, True, by=holder).one("ApprovalForAll")
    parties = {"owner": holder.address, "operator": other.address, "approved": True}
    assert allowed.fields == {**parties, "sequence": genesis.call("sequence")}
    assert genesis.call("is_approved_for_all", holder.address, other.address)
    genesis.invoke("approve", BOB, 2, by=other)
    genesis.invoke("transfer_from", holder.address, other.address, 1, by=other)
    genesis.invoke("set_approval_for_all", other.address, False, by=holder)
    with reverts("ERC721: unauthorized caller"):
        genesis.invoke("transfer_from", holder.address, other.address, 2, by=other)
    with reverts("ERC721: operator is zero"):
        genesis.invoke("set_approval_for_all", 0, True, by=holder)


def test_only_the_owner_or_an_operator_approves(
    chain: Chain, genesis: Deployed, holder: Account, other: Account
) -> None:
    mint(chain, genesis, holder.address)
    genesis.invoke("approve", other.address, 1, by=holder)
    with reverts("ERC721: unauthorized caller"):
        genesis.invoke("approve", BOB, 1, by=other)
    with reverts("ERC721: no such token"):
        genesis.invoke("approve", BOB, 2, by=holder)


def test_a_safe_transfer_asks_the_receiver(chain: Chain, genesis: Deployed, holder: Account, other: Account) -> None:
    for kind in ("first_trade", "trading_master", "viral_legend"):
        mint(chain, genesis, holder.address, kind)
    genesis.invoke("safe_transfer_from", holder.address, other.address, 1, [], by=holder)
    accepting, refusing = (chain.deploy("TokenReceiver", answer) for answer in (RECEIVER_ID, 0))
    genesis.invoke("safe_transfer_from", holder.address, accepting.address, 2, [7], by=holder)
    with reverts("ERC721: receiver refused"):
        genesis.invoke("safe_transfer_from", holder.address, refusing.address, 3, [], by=holder)
    with reverts("ERC721: receiver refused"):
        genesis.invoke("safe_transfer_from", holder.address, genesis.address, 3, [], by=holder)
    with pytest.raises(RevertedError, match="not deployed"):
        genesis.invoke("safe_transfer_from", holder.address, BOB, 3, [], by=holder)
    assert [genesis.call("owner_of", each) for each in (1, 2, 3)] == [other.address, accepting.address, holder.address]


@pytest.mark.parametrize("function", ["owner_of", "get_approved", "token_uri", "achievement"])
def test_a_token_that_is_not_there_has_no_properties(genesis: Deployed, function: str) -> None:
    with pytest.raises(ContractError, match="ERC721: no such token"):
        genesis.call(function, 1)
    with pytest.raises(ContractError, match="ERC721: account is zero"):
        genesis.call("balance_of", 0)


def test_the_interfaces_are_found(genesis: Deployed) -> None:
    src5 = 0x3F918D17E5EE77373B56385708F855659A07F75997F365CF87748628532A055
    erc721 = 0x33EB2F84C309543403FD69F0D0F363781EF06EF6FAEB0131FF16EA3175BD943
    metadata = 0xABBCD595A567DCE909050A1038E055DACCB3C42AF06F0ADD544FA90EE91F25
    assert [genesis.call("supports_interface", each) for each in (src5, erc721, metadata, 1)] == [True] * 3 + [False]


def test_constructors_refuse_address_zero(chain: Chain) -> None:
    for place, reason in enumerate(("Ownable: owner", "Roles: account", "Roles: account")):
        arguments = [0 if i == place else 0x100 + i for i in range(3)]
        with chain.rolled_back(), reverts(f"{reason} is zero"):
            chain.deploy("GenesisNFT", *arguments)
