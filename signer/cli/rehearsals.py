"""The spends of a rehearsal, from a file: one raw transaction in hex on each line, in any order.

1. The spends, and what they spend from: an amount counts only with the transaction that it stands in.
2. Every spend is valid by Core's consensus code, and its signers are found by `signer.core.rehearsal`.
3. Whether it was confirmed cannot be told here; a rehearsal is shown by signatures (ADR 0017).
"""

from dataclasses import dataclass
from pathlib import Path

from signer.bitcoin.transaction import Transaction, Txid, parse_transaction
from signer.consensus import verify_consensus
from signer.core.errors import Objection, Refusal
from signer.core.rehearsal import (
    Quorum,
    Rehearsal,
    Shown,
    SignedInput,
    addresses_of,
    rehearsal,
    signed_inputs,
)
from signer.core.vault import Vault

MOST_BYTES = 16 << 20
"""Of the file."""


@dataclass(frozen=True, slots=True)
class ShownRehearsal:
    """What a file shows of a vault."""

    rehearsal: Rehearsal
    spends: dict[Txid, tuple[SignedInput, ...]]


def read_rehearsal(vault: Vault, path: Path | None) -> ShownRehearsal:
    """Of no file: nothing has spent. Raises Refusal `rehearsal-malformed`, `rehearsal-foreign`,
    `consensus-refused`, `consensus-gate-missing`, and those of a transaction's locks; Malformed
    `transaction-malformed` and `vault-too-complex`."""
    transactions = {} if path is None else {each.txid: each for each in _transactions(path)}
    shown = Shown(vault, addresses_of(vault) if transactions else {}, transactions)
    spends = {}
    for transaction in transactions.values():
        if coins := shown.coins(transaction):
            verify_consensus(transaction, tuple(coin.prevout for coin in coins))
            spends[transaction.txid] = tuple(signed_inputs(vault, transaction, coins))
    inputs = [each for some in spends.values() for each in some]
    return ShownRehearsal(rehearsal(vault, inputs), spends)


def require_rehearsed(vault: Vault, path: Path | None) -> None:
    """Raises Refusal `vault-rehearsing` and those of `read_rehearsal`."""
    found = read_rehearsal(vault, path).rehearsal
    if not found.is_over:
        raise Refusal(
            Objection(
                "vault-rehearsing",
                f"vault {vault.vault_id} has not been rehearsed",
                f"{len(found.quorums) - len(found.missing)} of {len(found.quorums)} primary quorums "
                f"have spent; not yet: {missing_text(found)}",
                "every primary quorum, and each path behind a lock once",
            )
        )


def missing_text(found: Rehearsal) -> str:
    """The first of what is missing."""
    quorums = [quorum_text(each) for each in found.missing[:3]]
    more = [f"{len(found.missing) - 3} more"] if len(found.missing) > 3 else []
    return ", ".join((*quorums, *more, *found.missing_paths)) or "nothing"


def quorum_text(quorum: Quorum) -> str:
    """As the template names its places."""
    return "{" + " ".join(f"@{place}" for place in sorted(quorum)) + "}"


def _transactions(path: Path) -> list[Transaction]:
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        lines = [bytes.fromhex(line) for line in content.decode("ascii").split()]
    except OSError as error:
        raise _malformed(f"{path}: {error.strerror}") from None
    except ValueError:
        raise _malformed(f"{path} has a line that is no hex") from None
    if len(content) > MOST_BYTES:
        raise _malformed(f"{path} is longer than {MOST_BYTES} bytes")
    return [parse_transaction(line) for line in lines]


def _malformed(detail: str) -> Refusal:
    return Refusal(Objection("rehearsal-malformed", detail))
