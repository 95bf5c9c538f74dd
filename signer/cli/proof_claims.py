"""Proof files, verified offline: what they show, and what only a chain can say.

1. The transaction is in the block of the header (`signer.bitcoin.inclusion`).
2. That header and those on it follow each other, and each has the work that its own bits ask for, which the
   network allows at all. So many blocks and so much work are shown: whoever made them up has paid for them.
   That the bits are those which are due, and that the chain is the best one, is not shown.
3. With a file of headers from genesis or from a checkpoint on, all rules of the network are verified and
   height, confirmations and work are that chain's. Whether it is Bitcoin's its work says: compare its tip.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clients.spv.proof_file import MAX_FILE, BadProofFile, ProofFile, read_proof
from signer.bitcoin.burial import Burial
from signer.bitcoin.chain import MAX_HEADERS, extend
from signer.bitcoin.checkpoint import Checkpoint, seed
from signer.bitcoin.errors import Malformed
from signer.bitcoin.header import HEADER_SIZE, Header, read_header
from signer.bitcoin.header_record import tail_at
from signer.bitcoin.inclusion import TxInclusion, verify_tx_proof
from signer.bitcoin.network import MAINNET, Network, network_named
from signer.bitcoin.network_rules import rules_of
from signer.bitcoin.tail import Link
from signer.bitcoin.target import target_of, work_of
from signer.config_chain import MAINNET_LEAST_WORK
from signer.core.errors import Objection, Refusal


@dataclass(frozen=True, slots=True)
class Shown:
    """What is proven of a file."""

    fact: TxInclusion
    network: Network
    """As the file claims; the headers are possible there."""
    header: Header
    height: int
    """As the file claims, or of the chain."""
    burial: Burial
    """Counted to the last header that is known here."""
    last: bytes
    """Hash of that header, internal order."""
    of_chain: bool
    """Rule 3: of a chain from genesis or a checkpoint on."""


@dataclass(frozen=True, slots=True)
class HeaderFile:
    """Headers in a row, 80 bytes each, from genesis or a checkpoint on."""

    path: Path
    checkpoint: Checkpoint | None


def read_proof_file(path: Path) -> ProofFile:
    """Raises Refusal `proof-file-malformed`."""
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE + 1)
    try:
        return read_proof(data)
    except BadProofFile as error:
        raise Refusal(Objection("proof-file-malformed", str(error))) from None


def shown(file: ProofFile) -> Shown:
    """Rules 1 and 2. Raises Malformed as `verify_tx_proof` does, `network-unknown`, `target-malformed`,
    `header-bits`, `header-work` or `header-unlinked`."""
    network = network_named(file.network)
    header = read_header(file.header)
    fact = verify_tx_proof(file.proof, header)
    limit = target_of(rules_of(network).limit_bits)
    work, last = 0, header.previous
    for raw in (file.header, *file.after):
        each = read_header(raw)
        if each.previous != last:
            raise Malformed("header-unlinked", "the headers of the file are not in a row")
        work, last = work + _work(each, limit), each.hash
    burial = Burial(1 + len(file.after), work)
    return Shown(fact, network, header, file.height, burial, last, of_chain=False)


def _work(header: Header, limit: int) -> int:
    """Rule 2, of one header."""
    target, name = target_of(header.bits), header.hash[::-1].hex()
    if target > limit:
        raise Malformed(
            "header-bits", f"{name}: {header.bits:08x} is easier than the network allows"
        )
    if int.from_bytes(header.hash, "little") > target:
        raise Malformed("header-work", f"{name} exceeds {header.bits:08x}")
    return work_of(header.bits)


def require_header(seen: Shown, block_hash: bytes) -> None:
    """That the block is the one which was named (internal order). Raises Refusal `proof-other-header`."""
    if seen.header.hash != block_hash:
        detail = "the proof is about another block than the one that was named"
        names = [each[::-1].hex() for each in (seen.header.hash, block_hash)]
        raise Refusal(Objection("proof-other-header", detail, names[0], names[1]))


def on_chain(seen: Shown, headers: HeaderFile, now: int, step: Callable[[int], None]) -> Shown:
    """Rule 3; `step` is told how many headers were read. Raises Malformed as `chain.extend` and
    `checkpoint.seed` do, and Refusal `proof-header-unknown`, or on mainnet `header-chain-light`."""
    rules = rules_of(seen.network)
    start = _Start(seed(rules, headers.checkpoint))
    tail = tail_at(start, start.tip())
    found = start.link(seen.header.hash)
    for batch in _batches(headers.path, start):
        tail, links = extend(rules, tail, batch, now)
        found = next((each for each in links if each.hash == seen.header.hash), found)
        step(len(links))
    if found is None:
        raise Refusal(
            Objection("proof-header-unknown", f"{headers.path} does not have the proof's block")
        )
    if seen.network is MAINNET and tail.work < MAINNET_LEAST_WORK:
        raise Refusal(
            Objection(
                "header-chain-light",
                "these headers have less work than Bitcoin's",
                f"{tail.work:x}",
                f"{MAINNET_LEAST_WORK:x}",
            )
        )
    own = work_of(seen.header.bits)
    burial = Burial(tail.height - found.height + 1, tail.work - found.work + own)
    return Shown(
        seen.fact, seen.network, seen.header, found.height, burial, tail.hash, of_chain=True
    )


def _batches(path: Path, start: "_Start") -> Iterator[bytes]:
    """The headers of the file behind those with which the chain starts, a batch at a time."""
    with path.open("rb") as stream:
        while raw := stream.read(HEADER_SIZE):
            if len(raw) == HEADER_SIZE and start.link(read_header(raw).hash) is not None:
                continue
            yield raw + stream.read((MAX_HEADERS - 1) * HEADER_SIZE)


class _Start:
    """The headers with which a chain starts, as a record."""

    def __init__(self, links: list[Link]) -> None:
        self._links = {each.hash: each for each in links}

    def link(self, block_hash: bytes) -> Link | None:
        """The header with that hash."""
        return self._links.get(block_hash)

    def best(self, height: int) -> Link | None:
        """The header of that height."""
        return next((each for each in self._links.values() if each.height == height), None)

    def received(self, _: bytes) -> int | None:
        """Unknown: they are where it starts."""
        return None

    def tip(self) -> Link:
        """The last one."""
        return list(self._links.values())[-1]
