"""The kernel: claims -> facts -> consent -> record -> signature (design section 2).

Rule 1: `sign_psbt` is the only way to a signature, and it is a straight line.
Rule 2: record, then sign: the journal answers when the entry is on disk (J4).
Rule 3: no method takes a digest.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from signer.bitcoin.network import Network
from signer.bitcoin.psbt.reader import parse_psbt
from signer.core.approve import approve, objections, settle, waiting
from signer.core.chain_word import ProvenCoins
from signer.core.clocks import Hearing
from signer.core.errors import MalformedRequest, Objection, Refusal, unverified
from signer.core.evidence import Authorized, authorize
from signer.core.notices import Notice
from signer.core.proven_coins import prove
from signer.core.question import TraceLine, ask
from signer.core.recall import recall
from signer.core.registry import VaultRegistry
from signer.core.spend import (
    ApprovedSpend,
    AwaitedSpend,
    RecordedSpend,
    SignedSpend,
    Ungranted,
    VerifiedSpend,
)
from signer.core.universal_rules import trace
from signer.core.vault import CHANGE, RECEIVE, Vault
from signer.core.verify import SpendClaims, verify
from signer.core.witnesses import NO_WITNESSES, Witnesses
from signer.custody import Custody
from signer.ports.keystore import Keystore
from signer.ports.machine import MachineClock, NoMachine
from signer.ports.members import NoWitnesses, Witnessing
from signer.ports.policy import PolicyShelf, ServedPolicy
from signer.ports.reading import Reading
from signer.ports.recording import Deliberation, Journal, RefusedRequest
from signer.sign_request import Explanation, SignRequest
from signer.spend_words import chain_word_for, clock_notices


@dataclass(frozen=True, slots=True)
class Build:
    """What this kernel is."""

    version: str
    build_digest: bytes
    config_digest: bytes


@dataclass(frozen=True, slots=True)
class Kernel:
    """One member's kernel, put together by `signer.compose`."""

    build: Build
    network: Network
    shelf: PolicyShelf
    registry: VaultRegistry
    keystore: Keystore
    journal: Journal
    readiness: Callable[[], tuple[str, ...]] = tuple
    """Why the kernel is not ready, one sentence each; nothing when it is."""
    clock: MachineClock = field(default_factory=NoMachine)
    agreement: Witnessing = field(default_factory=NoWitnesses)
    patience: int = 0
    """Seconds that SignPsbt waits for other members' grants before it answers that they lack."""
    call_carrier: Callable[[], None] = lambda: None
    """Told that an entry of ours waits for grants."""
    count: Callable[[], None] = lambda: None
    """Shows the keystore what is on record, before it is asked to sign. Raises Refusal."""
    custody: Custody = field(default_factory=Custody)

    def sign_psbt(self, request: SignRequest) -> SignedSpend:
        """Our signatures for the transaction. Raises Refusal, Pending or Fault; then nothing was signed.

        1. claims     parse the PSBT, verify the attestations' signatures
        2. facts      prove inputs, outputs, amounts, blocks; compute what we would sign
        3. consent    pins, coins, change, holds, policy, caps of the keystore: asked by the journal's
                      writer, one after another
        4. record     the entry is durable before any key is touched, and where the vault has witnesses so
                      is that a quorum of them granted it; a retry finds its own entry
        5. signature  recomputed, signed, verified
        """
        if request.last_seen_head:
            self.journal.confirm_head(request.last_seen_head)
        deliberation = self.deliberation(request, self.policy_in_force())  # 1, 2
        recorded = self._final(deliberation, self.journal.record(deliberation))  # 3, 4
        self.count()
        signed = self.keystore.sign(recorded)  # 5
        self.cover_windows(recorded.spend.vault)
        return signed

    def deliberation(self, request: SignRequest, policy: ServedPolicy) -> Deliberation:
        """Steps 1 and 2 under that policy, and what the writer decides by. Raises Refusal, on record then."""
        vault = self.registry.get(request.vault_id)
        with self._refusals_recorded(request, policy):
            authorized, spend, proven = self._facts(request, vault, policy)  # 1, 2
            require_task(spend)

        def decide(reading: Reading, now: int) -> ApprovedSpend:
            self.require_in_force(policy, reading)
            word = chain_word_for(spend, proven, policy, reading, now)
            question = ask(spend, authorized, reading, now, caller=request.caller.name, chain=word)
            approved = approve(question, policy)  # 3
            self.count()
            if found := self.keystore.objections(spend, now):
                raise Refusal(*found)
            return approved

        def notices(reading: Reading, now: int) -> tuple[Notice, ...]:
            hearing = Hearing(vault.fingerprint, authorized, reading, now)
            return clock_notices(hearing, request.caller.name, policy, spend)

        return Deliberation(
            spend=spend,
            caller=request.caller.name,
            request_digest=request.digest,
            decide=decide,
            request=request.raw,
            policy_id=policy.policy_id,
            notices=notices if policy.clock_quorums(vault.vault_id) else None,
            witnesses=witnesses_of(policy, vault),
            waiting_for=self.agreement.waiting_for,
        )

    def _final(
        self, deliberation: Deliberation, recorded: RecordedSpend | AwaitedSpend
    ) -> RecordedSpend:
        """The spend, once its entry waits for no grants: then it is asked for again, and all that stops a
        retry stops it. Raises Ungranted `agreement-pending`, and what `record` raises."""
        if isinstance(recorded, AwaitedSpend):
            self.call_carrier()
            if self.journal.wait_settled(recorded.number, self.patience):
                recorded = self.journal.record(deliberation)
        if isinstance(recorded, RecordedSpend):
            return recorded
        granted = self.agreement.granted(recorded.number)
        keys = set(deliberation.witnesses.log_keys) - granted - {self.keystore.log_key}
        raise Ungranted(
            recorded,
            Objection(
                "agreement-pending",
                f"entry {recorded.number} waits for the grants of other members",
                f"{len(granted) + 1} of {deliberation.witnesses.quorum} have granted it",
                "; ".join(
                    (
                        f"not yet: {', '.join(key.hex() for key in sorted(keys))}",
                        *self.agreement.refusals(recorded.number),
                    )
                ),
            ),
        )

    def explain_psbt(self, request: SignRequest) -> Explanation:
        """The same line up to consent, against a look at the record; nothing is recorded or signed."""
        vault, policy = self.registry.get(request.vault_id), self.policy_in_force()
        authorized, spend, proven = self._facts(request, vault, policy)
        with self.journal.reading() as view:
            version = view.version(spend.transaction.txid)
            if version is not None:
                recall(spend, version, view, view.now())
                lines = tuple(self._capped_line(spend, view.now(), version.recorded_at))
                return Explanation(spend, lines, would_sign=not lines, on_record=True)
            now, caller = view.now(), request.caller.name
            word = chain_word_for(spend, proven, policy, view, now)
            question = settle(ask(spend, authorized, view, now, caller=caller, chain=word), policy)
            objects = any(objections(question, policy))
            capped = () if objects else tuple(self._capped_line(spend, view.now()))
            return Explanation(
                spend,
                lines=(*trace(question, policy), *policy.trace(question), *capped),
                would_sign=not objects and not capped,
                on_record=False,
                would_be_pending=objects and bool(waiting(question, policy)),
                nearest_changes=policy.nearest_changes(question) if objects else (),
            )

    def _capped_line(
        self, spend: VerifiedSpend, now: int, recorded_at: int | None = None
    ) -> Iterator[TraceLine]:
        """Why the keystore would not sign what the policy consents to: by what it knows, for an explanation
        shows it nothing. Nothing where it would."""
        try:
            found = self.keystore.objections(spend, now, recorded_at)
        except Refusal as refusal:  # it has not seen the record yet
            found = refusal.objections
        if found:
            text = "What leaves is within the caps of the vault key."
            yield TraceLine("caps", text, found, passed=False)

    def policy_in_force(self) -> ServedPolicy:
        """The policy that decides now. The address windows are known as far as the record has moved them,
        which another replica may have done."""
        with self.journal.reading() as view:
            self._cover(self.registry.all(), view)
            return self.shelf.in_force(view)

    def cover_windows(self, vault: Vault) -> None:
        """Know the scripts of the address windows as far as the record has moved them."""
        with self.journal.reading() as view:
            self._cover((vault,), view)

    def _cover(self, vaults: Iterable[Vault], view: Reading) -> None:
        following = view.next_indexes()
        for vault in vaults:
            for branch in (RECEIVE, CHANGE):
                self.registry.cover(vault, branch, following.get((vault.fingerprint, branch), 0))

    def our_positions(self, vault: Vault) -> tuple[int, ...]:
        """The placeholders of the vault's template that hold our xpub."""
        return tuple(place for xpub in self.keystore.xpubs() for place in vault.positions_of(xpub))

    def _facts(
        self, request: SignRequest, vault: Vault, policy: ServedPolicy
    ) -> tuple[Authorized, VerifiedSpend, tuple[ProvenCoins, ...]]:
        psbt = parse_psbt(request.psbt)
        authorized = authorize(request.attestations, vault.realm, policy.attestors)
        claims = SpendClaims(psbt, request.psbt, request.payments)
        spend = verify(claims, vault, self.registry, self.our_positions(vault))
        return authorized, spend, self._proven(request, spend, policy)

    def _proven(
        self, request: SignRequest, spend: VerifiedSpend, policy: ServedPolicy
    ) -> tuple[ProvenCoins, ...]:
        """Headers on record stay there: what is proven by them before the writer's turn is proven in it.
        Proofs for which nobody asks are passed over: no rule of the vault does, or the spend is on record."""
        if not request.proofs or not policy.asks_chain(spend.vault.fingerprint):
            return ()
        with self.journal.reading() as view:
            if view.version(spend.transaction.txid) is not None:
                return ()
            return prove(request.proofs, spend, view.chain())

    def require_in_force(self, policy: ServedPolicy, reading: Reading) -> None:
        """Evidence was verified under one policy and is judged under the same."""
        if self.shelf.in_force(reading).policy_id != policy.policy_id:
            raise Refusal(
                Objection(
                    "policy-changed", "another policy came into force while this was verified"
                )
            )

    @contextmanager
    def _refusals_recorded(self, request: SignRequest, policy: ServedPolicy) -> Iterator[None]:
        """What is refused before the writer sees it goes on record all the same (design section 8)."""
        try:
            yield
        except MalformedRequest:
            raise  # counted by the handler, not worth an entry
        except Refusal as refusal:
            refused = RefusedRequest(
                request.caller.name, request.digest, request.raw, policy.policy_id, refusal
            )
            self.journal.record_refusal(refused)
            raise


def witnesses_of(policy: ServedPolicy, vault: Vault) -> Witnesses:
    """Whose grants a signature for that vault waits for, under that policy."""
    found = (each.witnesses for each in policy.vaults if each.fingerprint == vault.fingerprint)
    return next(found, NO_WITNESSES)


def vault_under(policy: ServedPolicy, vault: Vault) -> Vault:
    """As that policy has it; as it was registered, where the policy does not name it."""
    found = (each for each in policy.vaults if each.fingerprint == vault.fingerprint)
    return next(found, vault)


def require_task(spend: VerifiedSpend) -> None:
    """Nothing is recorded that we could not sign."""
    if not spend.tasks:
        raise unverified(
            "path-without-our-key", f"our key does not stand in path {spend.path.name}"
        )
