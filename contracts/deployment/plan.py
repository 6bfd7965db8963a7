"""The contracts of an installation, from a plan file: their arguments, and the addresses that follow from them.

An address follows from class, arguments and salt, so all are known before anything is deployed. Has no I/O but for the
committed classes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from starknet_py.hash.address import compute_address

from contracts.account.account import DeclaredClass
from contracts.clients.astra_token import AstraTokenClient
from contracts.clients.fee_collector import FeeCollectorClient
from contracts.clients.fee_splitter import FeeSplitterClient, Share
from contracts.clients.genesis_nft import GenesisNFTClient
from contracts.clients.lending_pool import LendingPoolClient
from contracts.clients.paymaster import PaymasterClient
from contracts.clients.price_oracle import PriceOracleClient
from contracts.clients.reputation import ReputationClient
from contracts.clients.staking_manager import StakingManagerClient
from contracts.indexer.addresses import address_of, padded

PPM: Final = 1_000_000
Amount = Annotated[int, msgspec.Meta(ge=0)]
PLAIN: Final = frozenset({"AstraToken", "Reputation"})
"""Contracts without an owner and roles."""


class DeploymentError(Exception):
    """The contracts cannot be deployed like this, or are not as they should be."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. A text that names a contract is an address, or the name of a contract of the plan."""


class ShareOf(_Part, frozen=True):
    """A beneficiary and its share in parts per million."""

    to: str
    ppm: Amount


class Astra(_Part, frozen=True):
    """AstraToken: units of 1e-18, and the address that gets all of them."""

    supply: Amount
    recipient: str


class Staking(_Part, frozen=True):
    """StakingManager: the token that is staked."""

    stake_token: str = "AstraToken"  # noqa: S105 - the name of a contract


class Sponsoring(_Part, frozen=True):
    """Paymaster and Reputation: who sponsors, who records experience, and the highest price of gas."""

    sponsor: str
    recorder: str
    max_price: Amount


class Genesis(_Part, frozen=True):
    """GenesisNFT: who mints."""

    minter: str


class Oracle(_Part, frozen=True):
    """PriceOracle: who reports prices, and the first one: units of the token for a unit of collateral, times 1e36."""

    feeder: str
    price: Amount


class Lending(_Part, frozen=True):
    """LendingPool: limits in units of the settlement token, which is lent, and the token that secures loans."""

    supply_cap: Amount
    borrow_cap: Amount
    min_debt: Amount
    collateral: str = "AstraToken"


class Plan(_Part, frozen=True):
    """What the contracts are deployed with. Splitter and collector always are, the others when their table is there.

    Attributes:
        deployer: The account that deploys. It owns the contracts until the owner accepts them.
        owner: Owns the contracts; can be a multisig.
        pauser: May pause them.
        settler: Settles batches.
        token: The settlement token, a USD token with 6 decimals.
        shares: The beneficiaries of fees; the first one is the treasury.
        salt: Another one gives other addresses.
    """

    deployer: str
    owner: str
    pauser: str
    settler: str
    token: str
    shares: tuple[ShareOf, ...]
    salt: Amount = 1
    astra: Astra | None = None
    staking: Staking | None = None
    paymaster: Sponsoring | None = None
    genesis: Genesis | None = None
    oracle: Oracle | None = None
    lending: Lending | None = None


class Planned(NamedTuple):
    """A contract at the address that it has, or will have. `uses` are classes that it deploys by itself."""

    name: str
    class_hash: int
    calldata: Sequence[int]
    salt: int
    address: int
    uses: tuple[str, ...] = ()


def parse(text: str) -> Plan:
    """Return the plan of a file in TOML.

    Raises:
        DeploymentError: naming the fault.
    """
    try:
        plan = msgspec.toml.decode(text, type=Plan)
    except msgspec.DecodeError as exc:
        raise DeploymentError(f"the plan cannot be read: {exc}") from exc
    try:
        planned(plan)
    except (ValueError, OverflowError) as exc:
        raise DeploymentError(f"no contract takes a number of the plan: {exc}") from exc
    return plan


def planned(plan: Plan) -> tuple[Planned, ...]:
    """Return the contracts of a plan, in the order in which they can be deployed.

    Raises:
        DeploymentError: the plan has a fault.
    """
    listed = _Listed(plan)
    listed.add_fees()
    if plan.staking:
        listed.add_staking(plan.staking)
    if plan.paymaster:
        listed.add_paymaster(plan.paymaster)
    if plan.genesis:
        minter = listed.address(plan.genesis.minter)
        listed.add("GenesisNFT", GenesisNFTClient.constructor(**listed.governors, minter=minter))
    if plan.oracle:
        feeder = listed.address(plan.oracle.feeder)
        listed.add(
            "PriceOracle", PriceOracleClient.constructor(**listed.governors, feeder=feeder, price=plan.oracle.price)
        )
    if plan.lending:
        listed.add_lending(plan.lending)
    first_shares(plan, listed.found)
    return tuple(listed.found.values())


def first_shares(plan: Plan, contracts: Mapping[str, Planned]) -> tuple[Share, ...]:
    """Return the shares of a plan.

    Raises:
        DeploymentError: the contract would not take them.
    """
    shares = tuple(Share(_address(each.to, contracts), each.ppm) for each in plan.shares)
    if sum(share.ppm for share in shares) != PPM or any(share.ppm <= 0 for share in shares):
        raise DeploymentError(f"the shares add up to {sum(share.ppm for share in shares)} ppm, not to {PPM} of parts")
    if len({share.beneficiary for share in shares}) < len(shares):
        raise DeploymentError("a beneficiary has two shares")
    return shares


class _Listed:
    """Adds one contract after the other; each may name those before it."""

    def __init__(self, plan: Plan) -> None:
        self.found: dict[str, Planned] = {}
        self._plan = plan
        self.governors = {"owner": self.address(plan.deployer), "pauser": self.address(plan.pauser)}
        self.address(plan.owner)

    def add(self, name: str, calldata: Sequence[int], uses: tuple[str, ...] = ()) -> None:
        self.found[name] = planned_at(name, calldata, self._plan.salt, uses)

    def address(self, text: str) -> str:
        return _address(text, self.found)

    def add_fees(self) -> None:
        plan = self._plan
        if plan.astra:
            recipient = self.address(plan.astra.recipient)
            self.add("AstraToken", AstraTokenClient.constructor(supply=plan.astra.supply, recipient=recipient))
        token = self.address(plan.token)
        self.add("FeeSplitter", FeeSplitterClient.constructor(**self.governors, token=token, shares=()))
        settler, splitter = self.address(plan.settler), self.address("FeeSplitter")
        calldata = FeeCollectorClient.constructor(**self.governors, settler=settler, token=token, splitter=splitter)
        self.add("FeeCollector", calldata)

    def add_staking(self, staking: Staking) -> None:
        calldata = StakingManagerClient.constructor(
            **self.governors,
            stake_token=self.address(staking.stake_token),
            reward_token=self.address(self._plan.token),
            splitter=self.address("FeeSplitter"),
        )
        self.add("StakingManager", calldata)

    def add_paymaster(self, paymaster: Sponsoring) -> None:
        """Add Paymaster, and Reputation, which it deploys."""
        calldata = PaymasterClient.constructor(
            **self.governors,
            sponsor=self.address(paymaster.sponsor),
            recorder=self.address(paymaster.recorder),
            token=self.address(self._plan.token),
            splitter=self.address("FeeSplitter"),
            reputation_class=padded(declared_class("Reputation").class_hash),
            max_price=paymaster.max_price,
        )
        self.add("Paymaster", calldata, uses=("Reputation",))

    def add_lending(self, lending: Lending) -> None:
        calldata = LendingPoolClient.constructor(
            **self.governors,
            asset=self.address(self._plan.token),
            collateral=self.address(lending.collateral),
            oracle=self.address("PriceOracle"),
            supply_cap=lending.supply_cap,
            borrow_cap=lending.borrow_cap,
            min_debt=lending.min_debt,
        )
        self.add("LendingPool", calldata)


def _address(text: str, contracts: Mapping[str, Planned]) -> str:
    if text in contracts:
        return padded(contracts[text].address)
    try:
        return address_of(text)
    except ValueError:
        raise DeploymentError(f"{text!r} is no address, and no contract that the plan has before") from None


def planned_at(name: str, calldata: Sequence[int], salt: int, uses: tuple[str, ...] = ()) -> Planned:
    """Return a committed class with these arguments, at its address."""
    class_hash = declared_class(name).class_hash
    address = compute_address(class_hash=class_hash, constructor_calldata=calldata, salt=salt)
    return Planned(name, class_hash, calldata, salt, address, uses)


def reputation_of(paymaster: Planned) -> Planned:
    """Return the contract that a paymaster deploys."""
    calldata = ReputationClient.constructor(paymaster=padded(paymaster.address))
    class_hash, salt = declared_class("Reputation").class_hash, 0
    address = compute_address(
        class_hash=class_hash, constructor_calldata=calldata, salt=salt, deployer_address=paymaster.address
    )
    return Planned("Reputation", class_hash, calldata, salt, address)


def declared_class(name: str) -> DeclaredClass:
    """Return a committed class, with the hashes of the lock.

    Raises:
        DeploymentError: there is none.
    """
    folder = files("contracts").joinpath("artifacts")
    locked = json.loads(folder.joinpath("lock.json").read_text("utf-8"))["contracts"].get(name)
    if locked is None:
        raise DeploymentError(f"this release has no contract {name}")
    place = folder.joinpath("testing") if locked["source"].startswith("testing/") else folder
    parsed = json.loads(place.joinpath(f"{name}.sierra.json").read_text("utf-8"))
    names = ("sierra_program", "contract_class_version", "entry_points_by_type")
    content: Mapping[str, Any] = {each: parsed[each] for each in names} | {"abi": json.dumps(parsed["abi"])}
    return DeclaredClass(content, int(locked["class_hash"], 16), int(locked["compiled_class_hash"], 16))
