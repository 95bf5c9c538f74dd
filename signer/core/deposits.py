"""Deposits that are proven, what the policy asks of them, and what is attested (docs/spv.md).

1. A deposit is a proven transaction that is one by the rules of `signer.core.opreturn`, whose one output to
   any vault is the output named, on the receive branch, at the index named, of the vault named.
2. It spends no coin of any vault, as far as address windows and the record know them: what a vault pays to
   itself mints nothing.
3. The policy bounds its amount and its height, and registers the rollup that its magic names.
4. An attestation is about these facts and one block. Its bytes are for ever: contracts verify them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from signer.bitcoin.burial import Burial
from signer.bitcoin.hashes import tagged_hash
from signer.bitcoin.transaction import OutPoint, TxOut
from signer.bitcoin.units import Height, Sats
from signer.core.errors import Objection, VerificationError
from signer.core.fields import u32_be, u64_be
from signer.core.opreturn import Deposit, PlaceOf, validate_deposit
from signer.core.proven import ProvenTx
from signer.core.registry import ScriptPlace
from signer.core.vault import RECEIVE, Vault

TAG = "pegwarden/deposit-attested/v1"
BIP340 = "bip340"
"""The scheme of an attestation: a signature by a key on Bitcoin's curve. The only one yet."""
SCHEMES = frozenset((BIP340,))


@dataclass(frozen=True, slots=True)
class DepositTerms:
    """What a policy asks of deposits in a vault."""

    cap: Sats | None
    """The most that one may bring; None: any amount."""
    least: Sats
    """The least."""
    depth: int
    """Confirmations from which one is attested."""
    until: Height | None
    """The last block whose deposits count; None: any."""
    magics: frozenset[bytes]
    """Of the registered rollups."""


@dataclass(frozen=True, slots=True)
class DepositClaim:
    """Which output is said to be a deposit."""

    vault: Vault
    index: int
    """On its receive branch."""
    vout: int


@dataclass(frozen=True, slots=True)
class DepositFacts:
    """Fact: a deposit, in that block."""

    vault_fingerprint: bytes
    outpoint: OutPoint
    amount: Sats
    payload: Deposit
    block_hash: bytes
    """32 bytes, internal order."""
    height: Height


@dataclass(frozen=True, slots=True)
class DepositNotice:
    """A deposit was found buried deep enough; from now on, and not earlier, the kernel attests it."""

    clock: int
    """Effective time, Unix seconds."""
    caller: str
    policy_id: bytes
    scheme: str
    key: bytes
    """That attests: of BIP340 32 bytes, x-only."""
    blocks: int
    """Confirmations, up to the vouched header."""
    facts: DepositFacts


@dataclass(frozen=True, slots=True)
class Undone:
    """A block that left the best chain, and an entry that had relied on it for ever."""

    entry: int
    block_hash: bytes
    height: int


MOST_NAMED = 1_000


@dataclass(frozen=True, slots=True)
class ReorganisedNotice:
    """Blocks on which irreversible entries relied are not on the best chain: the kernel locks."""

    clock: int
    undone: tuple[Undone, ...]
    """Those entries, by entry and block; MOST_NAMED at most, and further ones in another notice."""


@dataclass(frozen=True, slots=True)
class RecordedDeposit:
    """A deposit on record, as read from the journal. The attestation key takes nothing else."""

    notice: DepositNotice
    number: int
    decision_id: bytes


IsCoin = Callable[[OutPoint], bool]
"""Whether the record knows that output as a coin of some vault."""


def deposit_facts(
    fact: ProvenTx,
    claim: DepositClaim,
    prevouts: tuple[TxOut | None, ...],
    place_of: PlaceOf,
    is_coin: IsCoin,
) -> DepositFacts:
    """The deposit that this is (1, 2). `place_of` knows every vault's windows.

    Raises VerificationError with all reasons: `deposit-op-return`, `deposit-mismatch`, `deposit-output`,
    `deposit-origin-unproven`, `deposit-from-vault` and those of unreadable payloads; Malformed as
    `Vault.script` does.
    """
    vault, named = claim.vault, ScriptPlace(claim.vault.vault_id, RECEIVE, claim.index)
    script = vault.script(RECEIVE, claim.index).script_pubkey

    def place(script_pubkey: bytes) -> ScriptPlace | None:
        return named if script_pubkey == script else place_of(script_pubkey)

    report = validate_deposit(fact.transaction, prevouts, place, None)
    reasons = [*report.objections, *_elsewhere(report.place, report.vout, named, claim.vout)]
    if report.from_vault is not True and any(
        is_coin(txin.previous) for txin in fact.transaction.inputs
    ):
        reasons.append(Objection("deposit-from-vault", "an input is a coin on record"))
    if reasons or not isinstance(report.payload, Deposit):
        raise VerificationError(*reasons)
    outpoint = OutPoint(fact.transaction.txid, claim.vout)
    where = fact.block_hash, fact.height
    return DepositFacts(vault.fingerprint, outpoint, report.amount, report.payload, *where)


def _elsewhere(
    place: ScriptPlace | None, vout: int | None, named: ScriptPlace, named_vout: int
) -> Iterator[Objection]:
    """Where the one output to a vault is another than the one named."""
    if place is not None and (place, vout) != (named, named_vout):
        yield Objection(
            "deposit-output",
            "the output to a vault is another than the one named",
            f"output {vout}: {place.vault_id}, index {place.index}",
            f"output {named_vout}: {named.vault_id}, index {named.index}",
        )


def deposit_objections(facts: DepositFacts, terms: DepositTerms) -> Iterator[Objection]:
    """Why the policy takes no such deposit (3)."""
    if facts.payload.magic not in terms.magics:
        detail = "the deposit's magic is no registered rollup's"
        known = ", ".join(sorted(magic.hex() for magic in terms.magics)) or "none"
        yield Objection("rollup-unknown", detail, facts.payload.magic.hex(), known)
    if facts.amount < terms.least:
        detail = "the vault takes no deposits so small"
        yield Objection("deposit-too-small", detail, f"{facts.amount} sat", f"{terms.least} sat")
    if terms.cap is not None and facts.amount > terms.cap:
        detail = "the vault rehearses, and takes no larger deposits yet"
        yield Objection("deposit-above-cap", detail, f"{facts.amount} sat", f"{terms.cap} sat")
    if terms.until is not None and facts.height > terms.until:
        detail = "the vault takes no deposits any more"
        yield Objection("deposit-late", detail, f"height {facts.height}", f"height {terms.until}")


def unburied(burial: Burial, needed: int) -> Objection | None:
    """Why the deposit is not attested now; None where it is deep enough. `needed`: at least 1."""
    if burial.blocks >= needed:
        return None
    detail = "the block is not deep enough on the best chain, up to the vouched header"
    found = f"{burial.blocks} confirmations", f"{needed} confirmations"
    return Objection("deposit-unburied", detail, *found)


def attestation_bytes(genesis_hash: bytes, facts: DepositFacts) -> bytes:
    """What is hashed with TAG (4): 172 bytes, integers big-endian, hashes in internal byte order."""
    payload = facts.payload
    return b"".join(
        (
            genesis_hash,
            facts.vault_fingerprint,
            facts.outpoint.txid,
            u32_be(facts.outpoint.vout),
            u64_be(facts.amount),
            payload.magic,
            u32_be(payload.l2_chain_id),
            payload.l2_address,
            facts.block_hash,
            u32_be(facts.height),
        )
    )


def attestation_digest_of(genesis_hash: bytes, facts: DepositFacts) -> bytes:
    """What an attestation signs: 32 bytes."""
    return tagged_hash(TAG, attestation_bytes(genesis_hash, facts))
