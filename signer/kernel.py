"""The kernel: claims -> facts -> consent -> record -> signature (design section 2).

Rule 1: `sign_psbt` is the only way to a signature, and it is a straight line.
Rule 2: record, then sign: the journal answers when the entry is on disk (J4).
Rule 3: no method takes a digest.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from signer.bitcoin.network import Network
from signer.bitcoin.psbt.reader import parse_psbt
from signer.core.approve import Policy, Question, TraceLine, approve, ask, objections, recall, trace
from signer.core.caller import Caller
from signer.core.errors import MalformedRequest, Refusal, unverified
from signer.core.evidence import Attestation, Authorized, authorize
from signer.core.payment import PaymentClaim
from signer.core.spend import ApprovedSpend, SignedSpend, VerifiedSpend
from signer.core.vault import CHANGE, RECEIVE, Vault, VaultRegistry
from signer.core.verify import SpendClaims, verify
from signer.core.view import View
from signer.ports import Deliberation, Journal, Keystore, RefusedRequest


class ServedPolicy(Policy, Protocol):
    """What the kernel, beside `approve`, reads of its policy."""

    @property
    def name(self) -> str:
        """As the policy calls itself."""

    @property
    def version(self) -> int:
        """Only grows."""

    @property
    def attestors(self) -> frozenset[bytes]:
        """x-only keys whose attestations are looked at."""

    def rollup_magic(self, name: str) -> bytes:
        """The magic of that rollup; of the only one for "". Raises Refusal `rollup-unknown`."""

    def trace(self, question: Question) -> Iterable[TraceLine]:
        """Every predicate with its verdict."""


@dataclass(frozen=True, slots=True)
class Build:
    """What this kernel is."""

    version: str
    build_digest: bytes
    config_digest: bytes


@dataclass(frozen=True, slots=True)
class SignRequest:
    """SignPsbt, decoded. Everything in it is a claim."""

    caller: Caller
    vault_id: str
    psbt: bytes
    payments: tuple[PaymentClaim, ...]
    attestations: tuple[Attestation, ...]
    last_seen_head: str
    """Empty for none."""
    raw: bytes
    """The request's bytes, for the record."""

    @property
    def digest(self) -> bytes:
        """What the record calls the request by."""
        return hashlib.sha256(self.raw).digest()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What SignPsbt would say."""

    spend: VerifiedSpend
    lines: tuple[TraceLine, ...]
    """In an `or`, a predicate may fail and the whole still consent."""
    would_sign: bool
    on_record: bool


@dataclass(frozen=True, slots=True)
class Kernel:
    """One member's kernel, put together by `signer.compose`."""

    build: Build
    network: Network
    policy: ServedPolicy
    registry: VaultRegistry
    keystore: Keystore
    journal: Journal
    readiness: Callable[[], tuple[str, ...]] = tuple
    """Why the kernel is not ready, one sentence each; nothing when it is."""

    def sign_psbt(self, request: SignRequest) -> SignedSpend:
        """Our signatures for the transaction. Raises Refusal or Fault; then nothing was signed.

        1. claims     parse the PSBT, verify the attestations' signatures
        2. facts      prove inputs, outputs, amounts; compute what we would sign
        3. consent    pins, coins, change, policy: asked by the journal's writer, one after another
        4. record     the entry is durable before any key is touched; a retry finds its own entry
        5. signature  recomputed, signed, verified
        """
        if request.last_seen_head:
            self.journal.confirm_head(request.last_seen_head)
        vault = self.registry.get(request.vault_id)
        with self._refusals_recorded(request):
            authorized, spend = self._facts(request, vault)  # 1, 2
            require_task(spend)

        def decide(view: View, now: int) -> ApprovedSpend:
            return approve(ask(spend, authorized, view, now), self.policy)  # 3

        recorded = self.journal.record(self._deliberation(request, spend, decide))  # 3, 4
        signed = self.keystore.sign(recorded)  # 5
        self.cover_windows(vault)
        return signed

    def explain_psbt(self, request: SignRequest) -> Explanation:
        """The same line up to consent, against a look at the record; nothing is recorded or signed."""
        vault = self.registry.get(request.vault_id)
        authorized, spend = self._facts(request, vault)
        with self.journal.reading() as view:
            version = view.version(spend.transaction.txid)
            if version is not None:
                recall(spend, version)
                return Explanation(spend, (), would_sign=True, on_record=True)
            question = ask(spend, authorized, view, view.now())
            lines = (*trace(question, self.policy), *self.policy.trace(question))
            objects = any(objections(question, self.policy))
        return Explanation(spend, lines, would_sign=not objects, on_record=False)

    def cover_windows(self, vault: Vault) -> None:
        """Know the scripts of the address windows as far as the record has moved them."""
        with self.journal.reading() as view:
            for branch in (RECEIVE, CHANGE):
                self.registry.cover(vault, branch, view.next_index(vault.fingerprint, branch))

    def our_positions(self, vault: Vault) -> tuple[int, ...]:
        """The placeholders of the vault's template that hold our xpub."""
        return tuple(place for xpub in self.keystore.xpubs() for place in vault.positions_of(xpub))

    def _facts(self, request: SignRequest, vault: Vault) -> tuple[Authorized, VerifiedSpend]:
        psbt = parse_psbt(request.psbt)
        authorized = authorize(request.attestations, vault.realm, self.policy.attestors)
        claims = SpendClaims(psbt, request.psbt, request.payments)
        return authorized, verify(claims, vault, self.registry, self.our_positions(vault))

    @contextmanager
    def _refusals_recorded(self, request: SignRequest) -> Iterator[None]:
        """What is refused before the writer sees it goes on record all the same (design section 8)."""
        try:
            yield
        except MalformedRequest:
            raise  # counted by the handler, not worth an entry
        except Refusal as refusal:
            refused = RefusedRequest(
                request.caller.name, request.digest, request.raw, self.policy.policy_id, refusal
            )
            self.journal.record_refusal(refused)
            raise

    def _deliberation(
        self,
        request: SignRequest,
        spend: VerifiedSpend,
        decide: Callable[[View, int], ApprovedSpend],
    ) -> Deliberation:
        return Deliberation(
            spend=spend,
            caller=request.caller.name,
            request_digest=request.digest,
            decide=decide,
            request=request.raw,
            policy_id=self.policy.policy_id,
        )


def require_task(spend: VerifiedSpend) -> None:
    """Nothing is recorded that we could not sign."""
    if not spend.tasks:
        raise unverified(
            "path-without-our-key", f"our key does not stand in path {spend.path.name}"
        )
