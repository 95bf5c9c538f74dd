"""Headers of public vectors through our rules: bitcoin-spv's, tbtc's and btcd's."""

import bz2
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from signer.bitcoin.best_chain import ChainBounds, HeaderChain
from signer.bitcoin.chain import extend, follow
from signer.bitcoin.chain_rules import StrictRules
from signer.bitcoin.header import HEADER_SIZE, Header, read_header
from signer.bitcoin.network_rules import MAINNET_RULES, TESTNET3_RULES
from signer.bitcoin.tail import Link, Tail
from signer.bitcoin.target import target_of
from tests.bitcoin.mined import EASY_BITS, GENESIS, NOW, begun
from tests.bitcoin.refused import refused
from tests.vectors import load_json, vector_path

MAINNET_HEIGHT = 541_000
"""Of no block in particular: within a period, after all versions are due."""
DIFFICULTY_1 = target_of(0x1D00_FFFF)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def before(raw: bytes, height: int = MAINNET_HEIGHT) -> Tail:
    """A tail that this header follows in time, with its bits."""
    header = read_header(raw[:HEADER_SIZE])
    time, bits = header.time - 600, header.bits
    return Tail(header.previous, height, 0, time, bits, (time,) * 11, time, bits)


def difficulty(header: Header) -> int:
    return DIFFICULTY_1 // target_of(header.bits)


def spv(group: str) -> list[dict[str, object]]:
    rows = load_json("bitcoin-spv/testVectors.json")[group]
    assert rows
    return list(rows)


def test_a_good_chain_of_bitcoin_spv() -> None:
    for row in spv("validateHeaderChain"):
        data = _bytes(str(row["input"]))
        _, links = extend(MAINNET_RULES, before(data), data, NOW)
        assert sum(difficulty(read_header(each.raw)) for each in links) == row["output"]


BAD_CHAINS = {
    "Header bytes not multiple of 80": "header-malformed",
    "Header bytes not a valid chain": "header-unlinked",
    "Header does not meet its own difficulty target": "header-work",
}


def test_bad_chains_of_bitcoin_spv() -> None:
    """The third is of targets that mainnet does not have: judged with a limit that has them."""
    rows = spv("validateHeaderChainError")
    assert {str(row["comment"]) for row in rows} == set(BAD_CHAINS)
    for row in rows:
        data, rules = _bytes(str(row["input"])), MAINNET_RULES
        if BAD_CHAINS[str(row["comment"])] == "header-work":
            rules = StrictRules(GENESIS, EASY_BITS, ())
        with refused(BAD_CHAINS[str(row["comment"])]):
            extend(rules, before(data), data, 2**32)


def test_targets_of_bitcoin_spv() -> None:
    """Our target is the one that is due: with another due, a header is refused for its bits."""
    for row in spv("checkWork"):
        given: dict[str, str] = row["input"]  # type: ignore[assignment]
        raw = _bytes(given["header"])
        tail = before(raw)
        if row["output"]:
            assert int.from_bytes(read_header(raw).hash, "little") <= target_of(tail.bits)
            assert follow(MAINNET_RULES, tail, raw, NOW).raw == raw
        else:
            with refused("header-bits"):
                follow(MAINNET_RULES, replace(tail, bits=0x1701_0000), raw, NOW)


def test_links_of_bitcoin_spv() -> None:
    for row in spv("validateHeaderPrevHash"):
        given: dict[str, str] = row["input"]  # type: ignore[assignment]
        raw = _bytes(given["header"])
        tail = replace(before(raw), hash=_bytes(given["prevHash"]))
        if row["output"]:
            assert follow(MAINNET_RULES, tail, raw, NOW)
        else:
            with refused("header-unlinked"):
                follow(MAINNET_RULES, tail, raw, NOW)


def test_a_header_that_bitcoin_spv_calls_too_short() -> None:
    proofs = load_json("bitcoin-spv/testProofs.json")
    row = json.loads(proofs["errBadLenRawHeader"])
    with refused("header-malformed"):
        read_header(_bytes(row["confirming_header"]["raw"]))


def tbtc(name: str) -> bytes:
    proofs = load_json("tbtc-v2/spv_proofs.json")["proofs"]
    return _bytes(proofs[name]["headersChain"])


def test_the_mainnet_headers_of_tbtc() -> None:
    data = tbtc("transactionConfirmationsInOneEpochData")
    _, links = extend(MAINNET_RULES, before(data), data, NOW)
    assert len(links) == 6
    two = tbtc("transactionConfirmationsInTwoEpochsData")
    assert len(extend(MAINNET_RULES, before(two), two[:160], NOW)[1]) == 2
    with refused("header-bits"):  # within a period difficulty does not change
        extend(MAINNET_RULES, before(two), two, NOW)


TESTNET3_HEIGHT = 2_164_151
HARD = {"bits": 0x1A03_3EED, "first_bits": 0x1A03_3EED}


def silent(data: bytes, seconds: int) -> Tail:
    """Testnet3 before that block, so long before it, at the difficulty of its period."""
    tail = before(data, TESTNET3_HEIGHT)
    time = read_header(data[:HEADER_SIZE]).time - seconds
    return replace(tail, time=time, times=(time,) * 11, **HARD)


def test_the_testnet3_headers_of_tbtc() -> None:
    """Two exceptions, and between them five headers at the difficulty from before them."""
    data = tbtc("singleInputProofTestData")
    end, links = extend(TESTNET3_RULES, silent(data, 1_201), data, NOW)
    assert [read_header(each.raw).bits for each in links] == [
        0x1D00_FFFF,
        *[0x1A03_3EED] * 5,
        0x1D00_FFFF,
    ]
    assert (end.first_bits, end.height) == (0x1A03_3EED, 2_164_158)
    with refused("header-bits"):
        extend(TESTNET3_RULES, silent(data, 1_200), data, NOW)


@pytest.mark.parametrize("name", ["singleInputProofTestData", "multipleInputsProofTestData"])
def test_the_testnet3_headers_of_tbtc_on_mainnet(name: str) -> None:
    """A relay with one network's rules on another took them once: here no mainnet value can."""
    data = tbtc(name)
    with refused("header-bits"):
        extend(MAINNET_RULES, silent(data, 1_201), data, NOW)
    with refused("header-bits"):
        extend(MAINNET_RULES, before(data), data, NOW)


def test_three_exceptions_in_a_row_on_testnet3() -> None:
    data = tbtc("multipleInputsProofTestData")
    end, _ = extend(TESTNET3_RULES, silent(data, 206), data, NOW)
    assert (end.bits, end.first_bits) == (0x1A03_3EED, 0x1A03_3EED)


def test_the_first_headers_of_mainnet() -> None:
    text = vector_path("btcd/blockheaders-mainnet-1-11.txt").read_text()
    record, tail = begun(MAINNET_RULES)
    data = b"".join(map(bytes.fromhex, text.split()))
    advance = HeaderChain(MAINNET_RULES, record, ChainBounds(6, 0)).advance(data, NOW)
    assert len(advance.joined) == 11
    assert advance.last.work == 12 * tail.work == 12 * 0x1_0001_0001


def blocks(name: str) -> list[bytes]:
    """The headers of btcd's file of blocks: magic, length, block."""
    data, found, at = bz2.decompress(vector_path(f"btcd/{name}").read_bytes()), [], 0
    while at < len(data):
        assert data[at : at + 4] == bytes.fromhex("f9beb4d9")
        found.append(data[at + 8 : at + 8 + HEADER_SIZE])
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    return found


def of_files() -> list[bytes]:
    """Blocks 0 to 4, 3A, 4A and 5A."""
    return [raw for name in ("0_to_4", "3A", "4A", "5A") for raw in blocks(f"blk_{name}.dat.bz2")]


def of_text() -> list[bytes]:
    """Others of the same names: words of hexadecimal digits under `Block 3A:`."""
    text = vector_path("btcd/reorgtest.hex").read_text()
    parts = re.split(r"^Block \w+:$", text, flags=re.MULTILINE)[1:]
    words = ["".join(re.findall(r"^\s+([0-9a-f ]+)$", part, re.MULTILINE)) for part in parts]
    return [bytes.fromhex(each)[8 : 8 + HEADER_SIZE] for each in words]


@pytest.mark.parametrize("source", [of_files, of_text])
def test_the_reorganisations_of_btcd(source: Callable[[], list[bytes]]) -> None:
    """Four blocks, then three that leave after the second: the third of these is best."""
    record, _ = begun(MAINNET_RULES)
    genesis, *headers = source()
    first, second = headers[:4], headers[4:]
    chain = HeaderChain(MAINNET_RULES, record, ChainBounds(6, 0))

    def sent(raws: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
        advance = chain.advance(b"".join(raws), NOW)
        record.write(advance)
        return _raws(advance.joined), _raws(advance.left)

    assert record.tip().raw == genesis
    assert sent(first) == (first, [])
    assert sent(second[:1]) == ([], [])
    assert sent(second[1:2]) == ([], [])
    assert sent(second[2:]) == (second, first[2:])
    assert record.tip().height == 5


def _raws(links: Sequence[Link]) -> list[bytes]:
    return [each.raw for each in links]
