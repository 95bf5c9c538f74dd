"""The batches that an attestor has seen final on the second layer, as a list in a JSON file (`listed`):

    [{"magic": hex, "previous_batch_id": n, "previous_state_root": hex, "batch_id": n, "state_root": hex,
      "eth_tx_hash": hex}]

Rule 1: a batch of a rollup stands in it once: an attestor does not say two things.
"""

from dataclasses import dataclass
from pathlib import Path

from clients.attestor.chain import NotSeen
from clients.attestor.listed import Row, read_rows
from signer.core.evidence import AnchorTerms

_KEYS = frozenset(
    (
        "magic",
        "previous_batch_id",
        "previous_state_root",
        "batch_id",
        "state_root",
        "eth_tx_hash",
    )
)


@dataclass(frozen=True, slots=True)
class BatchList:
    """Batches in a file; none without one."""

    path: Path | None = None

    def batch(self, magic: bytes, batch_id: int) -> AnchorTerms:
        """What the attestor believes of that batch. Raises NotSeen or BadList."""
        batches: dict[tuple[bytes, int], AnchorTerms] = {}
        for row in read_rows(self.path, "batch", _KEYS):
            terms = _terms(row)
            if (terms.magic, terms.batch) in batches:
                raise row.bad("the batch stands there twice")
            batches[terms.magic, terms.batch] = terms
        if (magic, batch_id) not in batches:
            raise NotSeen(f"no final batch {batch_id} of rollup {magic.hex()}")
        return batches[magic, batch_id]


NO_BATCHES = BatchList()


def _terms(row: Row) -> AnchorTerms:
    return AnchorTerms(
        row.octets("magic", 4),
        row.number("previous_batch_id"),
        row.octets("previous_state_root", 32),
        row.number("batch_id"),
        row.octets("state_root", 32),
        row.octets("eth_tx_hash", 32),
    )
