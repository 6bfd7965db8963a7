"""The typed clients are those of the ABI, say the same as starknet-py, and name the errors of the contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starknet_py.serialization.data_serializers.array_serializer import ArraySerializer
from starknet_py.serialization.data_serializers.bool_serializer import BoolSerializer
from starknet_py.serialization.data_serializers.byte_array_serializer import ByteArraySerializer
from starknet_py.serialization.data_serializers.cairo_data_serializer import CairoDataSerializer
from starknet_py.serialization.data_serializers.felt_serializer import FeltSerializer
from starknet_py.serialization.data_serializers.tuple_serializer import TupleSerializer
from starknet_py.serialization.data_serializers.uint_serializer import UintSerializer

from contracts.clients import codec
from contracts.clients.classes import CLIENTS
from contracts.clients.codec import Codec, decoded
from contracts.clients.contract import At, Call, MissingContractError
from contracts.clients.fee_collector import FeeCollectorClient, SourceTotal
from contracts.clients.fee_splitter import FeesDistributed, FeeSplitterClient
from contracts.clients.generate import __main__ as command
from contracts.clients.generate import sources
from contracts.clients.generate.meanings import MeaningError, unit
from contracts.clients.panics import REMEDIES, ContractError, Remedy, refusal
from contracts.clients.shared.sequence import SequenceClient
from contracts.indexer.addresses import padded
from contracts.indexer.chain_state import BEFORE_GENESIS
from contracts.indexer.errors import NodeError
from contracts.indexer.node import NodeRefusedError
from contracts.toolchain.compiler import contracts_of, read_sources

FELTS = st.integers(0, codec.PRIME - 1)
ASCII_FROM_1 = st.characters(min_codepoint=1, max_codepoint=127)
"""starknet-py 0.30 drops NULs at the beginning of each word of a byte array: `decode_shortstring` strips them."""
ASCII = st.text(ASCII_FROM_1, max_size=31)
CODECS: list[tuple[Codec[Any], CairoDataSerializer[Any, Any], st.SearchStrategy[Any]]] = [
    (codec.FELT, FeltSerializer(), FELTS),
    *((each, UintSerializer(bits), st.integers(0, 2**bits - 1))
      for bits, each in ((8, codec.U8), (16, codec.U16), (32, codec.U32), (64, codec.U64), (128, codec.U128))),
    (codec.U256, UintSerializer(256), st.integers(0, 2**256 - 1)),
    (codec.BOOL, BoolSerializer(), st.booleans()),
    (codec.BYTE_ARRAY, ByteArraySerializer(), st.text(ASCII_FROM_1, max_size=100)),
]  # fmt: skip


def composed(depth: int = 2) -> st.SearchStrategy[tuple[Codec[Any], CairoDataSerializer[Any, Any], Any]]:
    """Draw a type, in our way and in starknet-py's, and a value of it."""
    plain = st.sampled_from(CODECS).flatmap(lambda each: st.tuples(st.just(each[0]), st.just(each[1]), each[2]))
    if not depth:
        return plain
    arrays = st.sampled_from(CODECS).flatmap(
        lambda each: st.tuples(
            st.just(codec.array(each[0])),
            st.just(ArraySerializer(each[1])),
            st.lists(each[2], max_size=4).map(tuple),
        )
    )
    tuples = st.lists(composed(depth - 1), min_size=1, max_size=3).map(
        lambda parts: (
            codec.tuple_of(*[part[0] for part in parts]),
            TupleSerializer([part[1] for part in parts]),
            tuple(part[2] for part in parts),
        )
    )
    return plain | arrays | tuples


def tupled(value: Any) -> Any:
    return tuple(map(tupled, value)) if isinstance(value, list | tuple) else value


@given(drawn=composed())
def test_values_become_the_felts_of_starknet_py_and_come_back(
    drawn: tuple[Codec[Any], CairoDataSerializer[Any, Any], Any],
) -> None:
    ours, theirs, value = drawn
    felts = [*ours.encode(value)]
    assert felts == theirs.serialize(value)
    assert decoded(ours, felts) == value == tupled(theirs.deserialize(felts))


@pytest.mark.parametrize(
    ("text", "felts"),
    [
        ("\0", [0, 0, 1]),
        ("\0a", [0, 0x61, 2]),
        ("\0" * 31, [1, 0, 0, 0]),
        ("a" * 31 + "\0", [1, int.from_bytes(b"a" * 31), 0, 1]),
    ],
)
def test_a_byte_array_keeps_nulls(text: str, felts: list[int]) -> None:
    """As Cairo does, which counts bytes; starknet-py encodes these texts alike, and cannot decode them."""
    assert [*codec.BYTE_ARRAY.encode(text)] == felts == ByteArraySerializer().serialize(text)
    assert decoded(codec.BYTE_ARRAY, felts) == text


@given(text=ASCII, long=st.text(max_size=100), number=FELTS)
def test_texts_and_hashes_come_back(text: str, long: str, number: int) -> None:
    assert decoded(codec.TEXT, codec.TEXT.encode(text)) == text
    assert decoded(codec.BYTE_ARRAY, codec.BYTE_ARRAY.encode(long)) == long
    assert [*codec.HEX.encode(decoded(codec.HEX, [number]))] == [number]


@pytest.mark.parametrize(
    ("kind", "value"),
    [(codec.U64, 2**64), (codec.U256, -1), (codec.U256, 2**256), (codec.TEXT, "x" * 32), (codec.TEXT, "ä")],
)
def test_what_a_type_does_not_have_is_not_encoded(kind: Codec[Any], value: Any) -> None:
    with pytest.raises(ValueError, match=r"not|does"):
        codec.encoded([kind], [value])


@pytest.mark.parametrize(
    ("kind", "felts"),
    [
        (codec.U64, [2**64]), (codec.U256, [2**128, 0]), (codec.U256, [1]), (codec.BOOL, [2]), (codec.FELT, [1, 1]),
        (codec.array(codec.FELT), [2, 1]), (codec.array(codec.FELT), [1, 1, 1]), (codec.FELT, []),
        (codec.BYTE_ARRAY, [0, 256, 1]), (codec.BYTE_ARRAY, [0, 0, 31]), (codec.FELT, [codec.PRIME]),
    ],
)  # fmt: skip
def test_felts_that_are_not_of_a_type_are_refused(kind: Codec[Any], felts: list[int]) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer|not"):
        decoded(kind, felts)


def test_the_clients_are_those_of_the_abi(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--check"]) == 0, capsys.readouterr().err
    deployed = {contract.name for contract in contracts_of(read_sources()) if not contract.for_tests}
    assert set(CLIENTS) == deployed


@pytest.mark.heavy
def test_the_command_writes_the_clients(tmp_path: Path) -> None:
    assert command.main([], tmp_path) == 0
    for path in tmp_path.rglob("*.py"):
        assert path.read_text("utf-8") == (command.FOLDER / path.relative_to(tmp_path)).read_text("utf-8")
    assert command.main(["--check"], tmp_path) == 0
    (tmp_path / "fee_splitter.py").write_text("", "utf-8")
    assert command.main(["--check"], tmp_path) == 1


def test_a_number_without_a_unit_stops_the_generator() -> None:
    assert unit("FeeSplitter", "ppm") == "parts per million"
    with pytest.raises(MeaningError, match=r"FeeSplitter\.mystery"):
        unit("FeeSplitter", "mystery")


def test_all_panics_of_the_contracts_have_a_remedy() -> None:
    texts = {
        text
        for path, source in read_sources().items()
        if not path.startswith("testing/")
        for text in sources.panics(source)
    }
    assert set(REMEDIES) == texts


BATCH_ORDER = "0x466565436f6c6c6563746f723a206261746368206f72646572"
ENTRYPOINT_FAILED = "0x454e545259504f494e545f4641494c4544"
QUOTED = f"Error in contract (…):\n{BATCH_ORDER} ('FeeCollector: batch order').\n"
FELTS_ONLY = {"revert_error": {"error": f'["{BATCH_ORDER}", "{ENTRYPOINT_FAILED}"]'}}


@pytest.mark.parametrize("said", [QUOTED, FELTS_ONLY, f"{QUOTED}{ENTRYPOINT_FAILED} ('ENTRYPOINT_FAILED')"])
def test_a_panic_is_found_in_what_a_node_says(said: object) -> None:
    found = refusal(said)
    assert isinstance(found, ContractError)
    assert (found.panic, found.remedy) == ("FeeCollector: batch order", Remedy.STATE)
    assert "read the state" in str(found)


def test_the_panic_of_another_contract_has_no_remedy() -> None:
    found = refusal("0x546f6b656e3a207374616e6473207374696c6c ('Token: stands still')")
    assert found is not None
    assert (found.panic, found.remedy) == ("Token: stands still", None)
    assert refusal("Internal error") is None
    assert refusal(None) is None


KEYS, DATA = [FeesDistributed.event_selector, 7], [3, 25, 0, 1]


def test_an_event_is_decoded() -> None:
    event = FeeSplitterClient.event(KEYS, DATA)
    assert event == FeesDistributed(sequence=3, beneficiary=padded(7), amount=25, epoch=1)


@pytest.mark.parametrize(
    ("keys", "data", "reason"),
    [
        ([], DATA, "no event with the selector none"),
        ([0x123, 7], DATA, "no event with the selector 0x123"),
        (KEYS[:1], DATA, "FeesDistributed cannot be read: .* shorter"),
        (KEYS, DATA[:-1], "FeesDistributed cannot be read: .* shorter"),
        (KEYS, [*DATA, 1], "FeesDistributed cannot be read: .* longer"),
    ],
)
def test_an_event_of_another_shape_is_refused(keys: list[int], data: list[int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        FeeSplitterClient.event(keys, data)


def test_a_call_has_the_felts_of_its_arguments() -> None:
    call = FeeCollectorClient(padded(9)).settle_batch(1, padded(0), padded(5), (SourceTotal("trading", 2**128 + 7),))
    assert call == Call(9, "settle_batch", [1, 0, 5, 1, int.from_bytes(b"trading", "big"), 7, 1])


class Answers:
    """A node that gives one answer."""

    def __init__(self, answer: list[int] | Exception | None) -> None:
        self.answer = answer

    async def call(self, *_: object) -> list[int] | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_view_reads_at_a_block_and_names_what_is_wrong() -> None:
    async def sequence(answer: list[int] | Exception | None) -> int:
        return await SequenceClient(padded(9)).sequence(At(Answers(answer), BEFORE_GENESIS))

    assert await sequence([7]) == 7
    with pytest.raises(MissingContractError):
        await sequence(None)
    with pytest.raises(NodeError, match="longer than its type"):
        await sequence([1, 2])
    with pytest.raises(ContractError, match="batch order"):
        await sequence(NodeRefusedError("starknet_call", 40, "Contract error", FELTS_ONLY))
    with pytest.raises(NodeRefusedError):
        await sequence(NodeRefusedError("starknet_call", -32603, "Internal error"))
