"""`pegwarden officer review`: a packet against the officer's own policy file, offline.

1. Nothing of the packet is believed: network, vault and attestors are those of the policy file that the
   officer reviewed and pinned; the attestations are verified here, for exactly these terms.
2. What is signed is made here from what was verified, never taken from the kernel.
3. What is odd, but no reason to refuse, is said: another policy in force, attestations that expired since, a
   clock that differs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pegwarden.v1 import approval_pb2 as pb
from policies.loaded import LoadedPolicy
from policies.proquint import words_of
from signer import wire
from signer.bitcoin.address import address_of
from signer.bitcoin.errors import Malformed
from signer.bitcoin.units import COIN
from signer.core.acts import Act, ApproveMove, ApproveWithdrawal, RejectWithdrawal
from signer.core.errors import MalformedRequest, Objection, Refusal
from signer.core.evidence import SweepTerms, authorize
from signer.core.moments import format_time
from signer.core.payment import WithdrawalTerms
from signer.core.vault import Vault

MAX_PACKET = 9 * 1024 * 1024
CLOCK_DIFFERENCE = 120
"""Seconds."""
_MOVES = {1: "sweep", 2: "rotation"}


@dataclass(frozen=True, slots=True)
class Review:
    """A packet that the officer's own policy bears out."""

    vault: Vault
    terms: WithdrawalTerms | SweepTerms
    to: Vault | None
    """The vault that a sweep or rotation pays."""
    attested_by: int
    """Attestors of the policy whose word was verified."""
    warnings: tuple[str, ...]

    def approval(self) -> Act:
        """What the officer says to approve it."""
        if isinstance(self.terms, SweepTerms):
            return ApproveMove(self.vault.fingerprint, self.terms)
        return ApproveWithdrawal(self.vault.fingerprint, self.terms)

    def rejection(self) -> Act:
        """What the officer says to reject it. Raises Refusal `act-misplaced`."""
        if isinstance(self.terms, SweepTerms):
            detail = "a sweep is not rejected: it needs approvals, so do not approve it"
            raise Refusal(Objection("act-misplaced", detail))
        return RejectWithdrawal(self.vault.fingerprint, self.terms)


def review(content: bytes, policy: LoadedPolicy, now: int) -> Review:
    """Raises Refusal `packet-malformed`, `packet-contradicts-policy`, and those of `authorize`."""
    packet = _read(content)
    if packet.network != policy.network.name:
        raise _contradicts(f"the packet is for {packet.network!r}, the policy for {policy.network}")
    vault = _vault(policy, packet.vault_fingerprint)
    warnings = tuple(_warnings(packet, policy, now))
    if packet.HasField("sweep"):
        move = _sweep_terms(packet)
        to = _vault(policy, move.to_fingerprint)
        if (move.kind == 1) is not (to is vault) or move.path >= len(vault.paths):
            raise _contradicts("a sweep stays in its vault, by a path that the vault has")
        return Review(vault, move, to, 0, warnings)
    terms = _withdrawal_terms(packet)
    counted, remarks = _attested(packet, policy, vault, now)
    return Review(vault, terms, None, counted, (*warnings, *remarks))


def review_lines(found: Review) -> Iterator[str]:
    """For the officer to read."""
    vault, terms = found.vault, found.terms
    yield f"vault        {vault.vault_id} ({vault.threshold} of {vault.members}, {vault.network})"
    yield f"             {words_of(vault.fingerprint[:8])} ..."
    if isinstance(terms, SweepTerms):
        to = "" if found.to is None else found.to.vault_id
        yield f"action       {_MOVES[terms.kind]} to vault {to}, by path {terms.path}"
        yield f"highest fee  {_btc(terms.max_fee)}"
        yield f"nonce        {terms.nonce.hex()}"
    else:
        yield f"action       pay withdrawal {terms.withdrawal_id.hex()}"
        yield f"amount       {_btc(terms.amount)}"
        yield f"to           {address_of(terms.script_pubkey, vault.network)}"
        yield f"attested by  {found.attested_by} attestors of your policy"
    for warning in found.warnings:
        yield f"WARNING      {warning}"


def _read(content: bytes) -> pb.Packet:
    if len(content) > MAX_PACKET:
        raise _malformed(f"more than {MAX_PACKET} bytes")
    try:
        packet = wire.decode(pb.Packet, content)
    except MalformedRequest as refusal:
        raise _malformed(refusal.objections[0].detail) from None
    if packet.HasField("withdrawal") is packet.HasField("sweep"):
        raise _malformed("it is about a withdrawal or about a sweep statement")
    return packet


def _withdrawal_terms(packet: pb.Packet) -> WithdrawalTerms:
    try:
        return wire.withdrawal_terms(packet.withdrawal)
    except (MalformedRequest, Malformed) as error:
        raise _malformed(str(error)) from None


def _sweep_terms(packet: pb.Packet) -> SweepTerms:
    try:
        return wire.sweep_terms(packet.sweep)
    except (MalformedRequest, Malformed) as error:
        raise _malformed(str(error)) from None


def _vault(policy: LoadedPolicy, fingerprint: bytes) -> Vault:
    for vault in policy.vaults:
        if vault.fingerprint == fingerprint:
            return vault
    raise _contradicts(f"no vault of your policy has fingerprint {fingerprint.hex()}")


def _attested(
    packet: pb.Packet, policy: LoadedPolicy, vault: Vault, now: int
) -> tuple[int, tuple[str, ...]]:
    """How many attestors vouch for it, and what to say about it."""
    terms, quorums = _withdrawal_terms(packet), policy.proposal_quorums(vault.vault_id)
    try:
        claims = wire.attestations(packet.attestations)
    except (MalformedRequest, Malformed) as error:
        raise _malformed(str(error)) from None
    words = authorize(claims, vault.realm, policy.attestors)
    for moment in (now, packet.first_attested_unix):
        if any(quorum.is_complete(words, terms, moment) for quorum in quorums):
            late = f"the attestations have expired; {format_time(moment)} they were valid"
            return len(words.attestors(terms, moment)), () if moment == now else (late,)
    raise _contradicts("the attestors of your policy do not vouch for exactly these terms")


def _warnings(packet: pb.Packet, policy: LoadedPolicy, now: int) -> Iterator[str]:
    if packet.policy_id != policy.policy_id:
        yield f"the kernel says that policy {packet.policy_id.hex()} is in force, not your file"
    if abs(packet.clock_unix - now) > CLOCK_DIFFERENCE:
        yield "the packet is not fresh, or the kernel's clock and yours differ"


def _btc(amount: int) -> str:
    return f"{amount // COIN}.{amount % COIN:08d} BTC"


def _malformed(detail: str) -> Refusal:
    return Refusal(Objection("packet-malformed", detail))


def _contradicts(detail: str) -> Refusal:
    return Refusal(Objection("packet-contradicts-policy", detail))
