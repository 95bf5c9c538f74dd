"""Proofs as files that verify offline with the log key alone (docs/audit.md has the bytes).

1. An inclusion is a C2SP tlog-proof: `c2sp.org/tlog-proof@v1`, `extra` with the record (base64), `index`,
   the path, an empty line, the head. The record is believed only because its leaf hash is proved.
2. A consistency is `pegwarden/consistency@v1`, the path, an empty line, the old head, an empty line, the new.
3. Each hash stands on a line of its own in base64, the lowest first; every line has its end.
"""

import base64
import re
from dataclasses import dataclass
from typing import NoReturn

from signer.bitcoin.errors import Malformed
from signer.journal.merkle import leaf_hash
from signer.journal.note import Head, decode_base64, verify_head
from signer.journal.proofs import Consistency, Inclusion, verify_consistency, verify_inclusion

_INCLUSION = "c2sp.org/tlog-proof@v1"
_CONSISTENCY = "pegwarden/consistency@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class InclusionFile:
    """That an entry is in the tree of a head."""

    number: int
    """Of the entry."""
    record: bytes
    path: tuple[bytes, ...]
    head: str
    """Signed note."""

    def verify(self, log_key: bytes) -> Head:
        """The head in which the entry is. Raises Malformed `proof-invalid` or `head-malformed`."""
        head = verify_head(self.head, log_key)
        proof = Inclusion(self.number, head.size, self.path)
        verify_inclusion(proof, leaf_hash(self.record), head.root)
        return head


@dataclass(frozen=True, slots=True)
class ConsistencyFile:
    """That the tree of one head goes on from that of another."""

    path: tuple[bytes, ...]
    old_head: str
    """Signed note."""
    new_head: str

    def verify(self, log_key: bytes) -> tuple[Head, Head]:
        """Both heads. Raises Malformed `proof-invalid` or `head-malformed`."""
        old, new = (verify_head(note, log_key) for note in (self.old_head, self.new_head))
        if old.origin != new.origin:
            _refuse("the heads are of two logs")
        verify_consistency(Consistency(old.size, new.size, self.path), old.root, new.root)
        return old, new


ProofFile = InclusionFile | ConsistencyFile


def write_proof(proof: ProofFile) -> str:
    """The file's text."""
    path = "".join(f"{_base64(node)}\n" for node in proof.path)
    if isinstance(proof, InclusionFile):
        first = f"{_INCLUSION}\nextra {_base64(proof.record)}\nindex {proof.number}\n"
        return f"{first}{path}\n{proof.head}"
    return f"{_CONSISTENCY}\n{path}\n{proof.old_head}\n{proof.new_head}"


def read_proof(text: str) -> ProofFile:
    """The proof in a file, not verified. Raises Malformed `proof-invalid` or `head-malformed`."""
    first, _, rest = text.partition("\n\n")
    kind, *lines = first.split("\n")
    if kind == _INCLUSION:
        return _read_inclusion(lines, rest)
    if kind != _CONSISTENCY:
        _refuse("not a proof")
    return _read_consistency(lines, rest)


def _read_inclusion(lines: list[str], head: str) -> InclusionFile:
    if len(lines) < 2 or not lines[0].startswith("extra "):
        _refuse("no entry in it")
    match = _INDEX.fullmatch(lines[1])
    if match is None:
        _refuse("no index in it")
    record = decode_base64(lines[0].removeprefix("extra "))
    return InclusionFile(int(match[1]), record, _path(lines[2:]), head)


def _read_consistency(lines: list[str], heads: str) -> ConsistencyFile:
    parts = heads.split("\n\n")
    if len(parts) != 4:
        _refuse("not two heads")
    old, new = "\n\n".join(parts[:2]) + "\n", "\n\n".join(parts[2:])
    return ConsistencyFile(_path(lines), old, new)


def _path(lines: list[str]) -> tuple[bytes, ...]:
    return tuple(map(decode_base64, lines))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _refuse(detail: str) -> NoReturn:
    raise Malformed("proof-invalid", detail)
