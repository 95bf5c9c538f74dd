"""VerifyDeposit and AttestDeposit: claims of a deposit, facts, record, signature (docs/spv.md).

1. The proof is verified against a header on record, the transaction by the rules of deposits: before the
   writer's turn. In it the policy, the chain's freshness and the burial are asked, as they are then.
2. Record, then sign: the notice is on disk before the key is asked, and the key is given what is read from
   the record. A crash in between costs nothing: the retry finds the entry.
3. An output is attested for one block of a chain. Who repeats the request gets that entry and that signature,
   asked about nothing again but pauses, locks, and that the block is still on the best chain. These are asked
   once more, of all, when the entry is read for the key: what came on record meanwhile stops the signature.
4. For another block there is another entry, under all conditions anew: they hold only once the earlier block
   has left the best chain, which has locked the kernel until officers unlocked it.
5. Without officers nothing is attested: nobody could end the lock that a reorganisation brings. Nor is it
   under a policy that has expired.
6. Other members grant nothing here: an attestation binds no coin, and a second layer counts members' keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from signer.bitcoin.psbt.maps import DEFAULT_LIMITS
from signer.bitcoin.transaction import OutPoint, Transaction
from signer.core.control import control_objections
from signer.core.deposits import (
    BIP340,
    DepositClaim,
    DepositFacts,
    DepositNotice,
    DepositTerms,
    RecordedDeposit,
    deposit_facts,
    deposit_objections,
    unburied,
)
from signer.core.errors import (
    Fault,
    Objection,
    PolicyDenied,
    Refusal,
    VerificationError,
    malformed,
    unverified,
)
from signer.core.moments import format_time
from signer.core.notices import Notice
from signer.core.opreturn import spent_outputs
from signer.core.proven import InclusionClaim, no_chain, proven
from signer.core.registry import beyond_window
from signer.core.vault import RECEIVE
from signer.kernel import Kernel
from signer.ports.chain import ChainReading
from signer.ports.policy import ServedPolicy
from signer.ports.reading import Reading
from signer.ports.recording import Passage


@dataclass(frozen=True, slots=True)
class WantedDeposit:
    """VerifyDeposit, decoded. Everything in it is a claim."""

    vault_id: str
    inclusion: InclusionClaim
    vout: int
    index: int
    """On the vault's receive branch."""
    previous: tuple[bytes, ...]
    """Raw transactions whose outputs the deposit spends."""


@dataclass(frozen=True, slots=True)
class FoundDeposit:
    """A deposit by the record as it was looked at."""

    facts: DepositFacts
    policy: ServedPolicy
    """In force then."""
    beyond: Objection | None
    """Why its address was not handed out; None where it may have been."""

    @property
    def terms(self) -> DepositTerms:
        """What the policy asks of it."""
        return self.policy.deposit_terms(self.facts.vault_fingerprint)

    def objections(self) -> tuple[Objection, ...]:
        """Why no such deposit is taken."""
        beyond = () if self.beyond is None else (self.beyond,)
        return (*beyond, *deposit_objections(self.facts, self.terms))


@dataclass(frozen=True, slots=True)
class AttestedDeposit:
    """On record, and signed."""

    recorded: RecordedDeposit
    signature: bytes
    head: str


def find_deposit(kernel: Kernel, wanted: WantedDeposit, reading: Reading) -> FoundDeposit:
    """What is deposited. Raises Refusal or Malformed."""
    require_bounded(wanted.previous)
    vault = kernel.registry.get(wanted.vault_id)
    policy = kernel.shelf.in_force(reading)
    fact = proven(wanted.inclusion, reading.chain())
    prevouts = spent_outputs(fact.transaction, wanted.previous)
    claim = DepositClaim(vault, wanted.index, wanted.vout)
    vaults = tuple(each.fingerprint for each in kernel.registry.all())

    def is_coin(outpoint: OutPoint) -> bool:
        return any(reading.recorded_coin(each, outpoint) is not None for each in vaults)

    _require_foreign(fact.transaction, reading)
    facts = deposit_facts(fact, claim, prevouts, kernel.registry.find, is_coin)
    next_index = reading.next_index(vault.fingerprint, RECEIVE)
    return FoundDeposit(facts, policy, beyond_window(vault, wanted.index, next_index))


def attest_deposit(kernel: Kernel, caller: str, wanted: WantedDeposit) -> AttestedDeposit:
    """The attestation. Raises Refusal, Malformed or Fault; then nothing was signed."""
    key = kernel.keystore.attestation_key
    if not key:
        detail = "this member has no attestation key"
        raise Refusal(Objection("attestation-key-missing", detail))
    kernel.policy_in_force()  # the address windows as far as the record has moved them
    with kernel.journal.reading() as look:
        found = find_deposit(kernel, wanted, look)  # 1
    facts = found.facts
    about = facts.outpoint, facts.block_hash, key

    def decide(reading: Reading, now: int) -> tuple[Notice, ...]:
        chain = _require_open(reading, now)
        if reading.attested_deposit(*about) is not None:  # 3
            _require_best(chain, facts)
            return ()
        kernel.require_in_force(found.policy, reading)
        _require_officers(found.policy)
        _require_unexpired(found.policy, now)
        chain.require_fresh(now)
        burial = chain.burial(facts.block_hash)
        shallow = unburied(burial, found.terms.depth)
        reasons = (*found.objections(), *(() if shallow is None else (shallow,)))
        if reasons:
            raise VerificationError(*reasons)
        told = (found.policy.policy_id, BIP340, key, burial.blocks, facts)
        return (DepositNotice(now, caller, *told),)

    noted = kernel.journal.note(decide, Passage.TIMELY)  # 2
    with kernel.journal.reading() as record:
        recorded = record.attested_deposit(*about)
        _require_best(_require_open(record, record.now()), facts)  # 3
    if recorded is None or recorded.notice.facts != facts:
        raise Fault("the deposit is not on record as it was found")
    return AttestedDeposit(recorded, kernel.keystore.attest(recorded), noted.head)


def _require_open(reading: Reading, now: int) -> ChainReading:
    """The chain, where nothing stops the kernel. Raises Refusal."""
    chain = reading.chain()
    if chain is None:
        raise Refusal(no_chain())
    stopped = tuple(control_objections(reading.control(), now))
    if stopped:
        raise Refusal(*stopped)
    return chain


def _require_officers(policy: ServedPolicy) -> None:
    """Rule 5. Raises Refusal `deposit-without-officers`."""
    if policy.governance is None:
        detail = "the policy has no [governance]: nobody could end the lock after a reorganisation"
        raise Refusal(Objection("deposit-without-officers", detail))


def _require_unexpired(policy: ServedPolicy, now: int) -> None:
    """Rule 5. Raises PolicyDenied `policy-expired`."""
    if policy.expires is not None and now >= policy.expires:
        detail = "the policy expired, and its fallback attests no deposit"
        limit = f"before {format_time(policy.expires)}"
        raise PolicyDenied(Objection("policy-expired", detail, limit=limit))


def _require_best(chain: ChainReading, facts: DepositFacts) -> None:
    """Raises VerificationError `deposit-unburied`."""
    best = chain.best(facts.height)
    if best is None or best.hash != facts.block_hash:
        detail = "the block in which it was attested has left the best chain"
        raise unverified("deposit-unburied", detail, f"height {facts.height}")


def _require_foreign(transaction: Transaction, reading: Reading) -> None:
    """Raises VerificationError `deposit-from-vault` for what we signed ourselves."""
    if reading.version(transaction.txid) is not None:
        detail = "it is a transaction of the vault, which this kernel signed"
        raise unverified("deposit-from-vault", detail)


def require_bounded(previous: Sequence[bytes]) -> None:
    """Raises MalformedRequest `request-malformed` for more previous transactions than a spend may have."""
    size = sum(map(len, previous))
    if len(previous) > DEFAULT_LIMITS.inputs or size > DEFAULT_LIMITS.total_bytes:
        detail = f"{len(previous)} previous transactions, {size} bytes in all"
        raise malformed("request-malformed", detail)
