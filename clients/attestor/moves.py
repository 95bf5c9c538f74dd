"""The moves of coins that the federation has decided on, as a list in a JSON file (`listed`):

    [{"from_vault_fingerprint": hex, "kind": "sweep" | "rotation", "to_vault_fingerprint": hex,
      "path_index": n, "max_fee_sat": n, "nonce": hex}]

Rule 1: a nonce stands in it once, and allows one transaction; a fee bump is another row.
Rule 2: an attestor signs only for the vault that the row moves from.
"""

from dataclasses import dataclass
from pathlib import Path

from clients.attestor.chain import NotSeen
from clients.attestor.listed import Row, read_rows
from signer.bitcoin.units import Sats
from signer.core.evidence import SweepTerms

KINDS = {"sweep": 1, "rotation": 2}
_KEYS = frozenset(
    (
        "from_vault_fingerprint",
        "kind",
        "to_vault_fingerprint",
        "path_index",
        "max_fee_sat",
        "nonce",
    )
)


@dataclass(frozen=True, slots=True)
class MoveList:
    """Moves in a file; none without one."""

    path: Path | None = None

    def move(self, vault_fingerprint: bytes, nonce: bytes) -> SweepTerms:
        """The move of that vault's coins with that nonce. Raises NotSeen or BadList."""
        moves: dict[bytes, tuple[bytes, SweepTerms]] = {}
        for row in read_rows(self.path, "move", _KEYS):
            terms = _terms(row)
            if terms.nonce in moves:
                raise row.bad("the nonce stands there twice")
            moves[terms.nonce] = row.octets("from_vault_fingerprint", 32), terms
        origin, found = moves.get(nonce, (b"", None))
        if found is None or origin != vault_fingerprint:
            raise NotSeen(f"no move of this vault has the nonce {nonce.hex()}")
        return found


NO_MOVES = MoveList()


def _terms(row: Row) -> SweepTerms:
    kind = KINDS.get(row.text("kind"))
    if kind is None:
        raise row.bad(f"kind is one of {', '.join(KINDS)}")
    return SweepTerms(
        kind,
        row.octets("to_vault_fingerprint", 32),
        row.number("path_index", 8),
        Sats(row.number("max_fee_sat")),
        row.octets("nonce", 16),
    )
