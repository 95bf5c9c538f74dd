"""What a token can do, and whether it carries a plan: `pegwarden key doctor`.

1. Nothing stays in the token: the keys that are tried are objects of the session and go with it; no key of a
   vault is used.
2. A plan that the token cannot carry is refused with every reason, and with what it could carry instead.
3. A token that wants its PIN for each signature (CKA_ALWAYS_AUTHENTICATE) carries no plan.
4. Nor does one whose signatures a kernel would not take: each of those tried is verified, and their R are
   compared (`keystore.token.gate`).
"""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from keystore.token.attributes import (
    KEK_READ_BACK,
    SIGNING_READ_BACK,
    compressed,
    find_refused,
    make_kek,
    make_pair,
    sealing_template,
    signing_templates,
)
from keystore.token.cryptoki import GcmText, Token, TokenError, TokenInfo
from keystore.token.gate import Nonces, take_token_signature
from keystore.token.names import Cka, Ckm, Template
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.core.errors import Fault, Objection, Refusal
from signer.core.spend import SigningTask

TRIED = 200
"""Signatures, or openings of a seal, that the rate is measured by."""
_IDENT = b"pegwarden-doctor"


class PlanKind(StrEnum):
    """What the token is to do."""

    TOKEN = "token"  # noqa: S105 (a kind of key)
    """Sign for a P2WSH vault with a key that never leaves it."""
    SEALED = "hsm-sealed"
    """Seal the seed of a key that the kernel uses."""


NEEDED: dict[PlanKind, tuple[Ckm, ...]] = {
    PlanKind.TOKEN: (Ckm.EC_KEY_PAIR_GEN, Ckm.ECDSA),
    PlanKind.SEALED: (Ckm.AES_KEY_GEN, Ckm.AES_GCM),
}
ALTERNATIVES: dict[str, tuple[Ckm, ...]] = {
    "AES-CBC with HMAC-SHA-256 by two keys (not built; the MAC compared before decryption)": (
        Ckm.AES_KEY_GEN,
        Ckm.AES_CBC,
        Ckm.GENERIC_SECRET_KEY_GEN,
        Ckm.SHA256_HMAC,
    ),
    "RSA-OAEP (not built; vault and key id inside what is encrypted)": (
        Ckm.RSA_PKCS_KEY_PAIR_GEN,
        Ckm.RSA_PKCS_OAEP,
    ),
}
"""Instead of AES-GCM."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a token."""

    kind: PlanKind
    keepers: int = 1
    """Processes, each with one session."""
    per_second: int = 1
    """Signatures, all keepers together."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one session of the token showed."""

    mechanisms: tuple[str, ...]
    """Of those that a member could use, by name."""
    most_sessions: int
    """0: no limit, or the token does not say."""
    absent: tuple[str, ...]
    """Optional attributes that it does not know."""
    weak: str
    """Why the key that was tried, or a signature by it, is refused; empty: they are as they must be."""
    per_second: int
    """Of what the plan does, by this session alone."""


def examine(token: Token, info: TokenInfo, plan: Plan) -> Findings:
    """Make a key, read it back, use it. Raises Refusal `token-mechanism-missing`, `token-unavailable`."""
    offered = token.mechanisms(info.slot)
    missing = [each.name for each in NEEDED[plan.kind] if each not in offered]
    if missing:
        raise Refusal(_missing(plan, missing, offered))
    try:
        absent, weak, rate = _tried(token, plan)
    except TokenError as error:
        raise Refusal(Objection("token-unavailable", str(error))) from None
    names = tuple(each.name for each in Ckm if each in offered)
    return Findings(names, info.most_sessions, absent, weak, rate)


def refuse_plan(plan: Plan, findings: tuple[Findings, ...]) -> None:
    """`findings`: of as many sessions at once as the plan has keepers.

    Raises Refusal `token-plan-refused` with all reasons.
    """
    reasons = tuple(_reasons(plan, findings))
    if reasons:
        raise Refusal(Objection("token-plan-refused", "; ".join(reasons)))


def _reasons(plan: Plan, findings: tuple[Findings, ...]) -> Iterator[str]:
    first, rate = findings[0], sum(each.per_second for each in findings)
    weak = next((each.weak for each in findings if each.weak), "")
    if 0 < first.most_sessions < plan.keepers:
        yield f"{first.most_sessions} sessions for {plan.keepers} keepers"
    if weak:
        yield f"a key made in it is not as it must be: {weak}"
    elif rate < plan.per_second:
        yield f"{rate} a second by {len(findings)} keepers instead of {plan.per_second}"


def consequences(absent: tuple[str, ...]) -> tuple[str, ...]:
    """What follows from attributes that the token does not know."""
    told = {
        "COPYABLE": "whoever has the PIN may copy keys inside the token",
        "DESTROYABLE": "whoever has the PIN may destroy keys: keep a backup, or a second member's key",
        "ALLOWED_MECHANISMS": "whoever has the PIN may use a key by other mechanisms: a KEK's tag can be "
        "passed by, and the passphrase's seal inside alone protects the seed",
    }
    return tuple(f"{name}: {told[name]}" for name in absent if name in told)


def _missing(plan: Plan, missing: list[str], offered: frozenset[int]) -> Objection:
    instead = [name for name, needed in ALTERNATIVES.items() if offered.issuperset(needed)]
    if plan.kind is PlanKind.TOKEN:
        seals = offered.issuperset(NEEDED[PlanKind.SEALED])
        instead = ["an hsm-sealed key"] if seals else []
    advice = (
        f"; instead: {' or '.join(instead)}" if instead else "; nothing else serves: another token"
    )
    return Objection("token-mechanism-missing", f"missing: {', '.join(missing)}{advice}")


def _tried(token: Token, plan: Plan) -> tuple[tuple[str, ...], str, int]:
    """Absent attributes, weakness, rate; of a key that goes with the session (1)."""
    return _tried_signing(token) if plan.kind is PlanKind.TOKEN else _tried_sealing(token)


def _tried_signing(token: Token) -> tuple[tuple[str, ...], str, int]:
    public, private = map(_passing, signing_templates(_IDENT))
    point, handle = make_pair(token, public, private)
    absent, weak = find_refused(token, handle, _passing(SIGNING_READ_BACK))
    if weak:
        return absent, ", ".join(weak), 0
    digests = [os.urandom(32) for _ in range(TRIED)]
    began = time.monotonic()
    signatures = [token.sign(handle, digest) for digest in digests]
    rate = _rate_since(began)
    pubkey = compressed(token.attribute(point, Cka.EC_POINT) or b"")
    return absent, _fault_of(pubkey, zip(digests, signatures, strict=True)), rate


def _tried_sealing(token: Token) -> tuple[tuple[str, ...], str, int]:
    handle = make_kek(token, _passing(sealing_template(_IDENT)))
    absent, weak = find_refused(token, handle, _passing(KEK_READ_BACK))
    if not _opens(token, handle):
        weak = (*weak, "it does not open what it sealed under our nonce")
    if weak:
        return absent, ", ".join(weak), 0
    sealed = token.encrypt(handle, GcmText(bytes(12), b"", bytes(1_024)))
    began = time.monotonic()
    for _ in range(TRIED):
        token.decrypt(handle, GcmText(bytes(12), b"", sealed))
    return absent, "", _rate_since(began)


def _fault_of(pubkey: bytes, made: Iterable[tuple[bytes, bytes]]) -> str:
    """Why a kernel would not take one of these (digest, signature); empty: it takes them all (4)."""
    nonces = Nonces()
    try:
        for number, (digest, raw) in enumerate(made):
            take_token_signature(raw, SigningTask(number, 0, pubkey, b"", b"", SIGHASH_ALL, digest))
            nonces.take(raw[:32], digest)
    except Fault as fault:
        return str(fault)
    return ""


def _opens(token: Token, handle: int) -> bool:
    """There are tokens that seal under a nonce of their own, whatever they are given."""
    nonce, content = os.urandom(12), os.urandom(64)
    try:
        sealed = token.encrypt(handle, GcmText(nonce, b"pegwarden", content))
        return token.decrypt(handle, GcmText(nonce, b"pegwarden", sealed)) == content
    except TokenError:
        return False


def _passing(template: Template) -> Template:
    """The template of an object that goes with its session."""
    return [(kind, False if kind is Cka.TOKEN else value) for kind, value in template]


def _rate_since(began: float) -> int:
    return round(TRIED / max(time.monotonic() - began, 1e-6))
