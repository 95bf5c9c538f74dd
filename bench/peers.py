"""Peers that do less: they parse, sign and serialise the same PSBT, and prove nothing.

1. Each gets its best known use: the account's key is opened before, as ours is, and derives per input.
2. A peer is measured only if its answer, read by us, carries a valid signature of our key on every input.
   Else there is no figure but the reason.
3. `wallycore` has its signing cache on. `wallycore_ready` has every child's key derived beforehand: nobody
   signs so, but it is what remains when libwally's derivation is taken away.
4. bdkpython stands in a process of its own (`bench.bdk`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import wallycore
from btclib_wallet.psbt import Psbt
from btclib_wallet.psbt_signer import SoftwareSigner
from embit.descriptor import Key
from embit.psbt import PSBT

from bench.cases import Request, Signer
from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.reader import parse_psbt
from signer.core.errors import Refusal
from signer.core.vault import CHANGE, RECEIVE
from signer.core.verify import SpendClaims, verify
from tests.federation import ACCOUNT, Member

XPRV_VERSION = bytes.fromhex("04358394")
ORIGIN = "48'/1'/0'/2'"
Sign = Callable[[], bytes]
Trial = Callable[[], float]
"""Does it once; seconds."""


class Unable(Exception):
    """Why this peer has no figure."""


@dataclass(frozen=True)
class Peer:
    """Ready to sign one PSBT."""

    sign: Sign
    trial: Trial


def timed(sign: Callable[[], object]) -> Trial:
    """Seconds of one call, by our clock."""

    def run() -> float:
        started = time.perf_counter()
        sign()
        return time.perf_counter() - started

    return run


def peer(sign: Sign) -> Peer:
    """One that runs in this process."""
    return Peer(sign, timed(sign))


def signer_of(request: Request) -> Member:
    return request.member.case.federation[0]


def xprv(member: Member) -> str:
    return str(member.account.to_base58(XPRV_VERSION))


def embit(request: Request) -> Peer:
    member = signer_of(request)
    text = f"[{member.fingerprint.hex()}/{ORIGIN}]{xprv(member)}"
    key = Key.from_string(text)
    if request.member.case.is_taproot:  # it cannot tweak a key that has an origin
        key = member.root

    def sign() -> bytes:
        psbt = PSBT.parse(request.psbt)
        psbt.sign_with(key)
        return bytes(psbt.serialize())

    return peer(sign)


def btclib(request: Request) -> Peer:
    member = signer_of(request)
    signer = SoftwareSigner.from_accounts(member.fingerprint, {ACCOUNT: xprv(member)})

    def sign() -> bytes:
        return bytes(signer.sign_psbt(Psbt.parse(request.psbt)).serialize())

    return peer(sign)


class Wally:
    """Who signs what: libwally is told the place of our key in each input, found once."""

    def __init__(self, request: Request) -> None:
        self.psbt = request.psbt
        self.account = wallycore.bip32_key_from_base58(xprv(signer_of(request)))
        ours = signer_of(request).fingerprint
        self.places: list[list[int]] = []
        for each in parse_psbt(request.psbt).inputs:
            listed = [(key.fingerprint, key.path) for key in each.bip32_derivations]
            listed += [(key.fingerprint, key.path) for key in each.tap_derivations]
            # Of several places of ours the primary path's: receive and change are branches 0 and 1.
            (path,) = (
                path
                for fingerprint, path in listed
                if fingerprint == ours and path[-2] in (RECEIVE, CHANGE)
            )
            self.places.append(list(path[-2:]))
        psbt = wallycore.psbt_from_bytes(self.psbt, 0)
        self.transaction = wallycore.psbt_get_global_tx_alloc(psbt)

    def child(self, path: list[int]) -> object:
        return wallycore.bip32_key_from_parent_path(self.account, path, 0)

    def sign(self, keys: list[object] | None = None) -> bytes:
        psbt = wallycore.psbt_from_bytes(self.psbt, 0)
        wallycore.psbt_signing_cache_enable(psbt, 0)
        for index, path in enumerate(self.places):
            key = self.child(path) if keys is None else keys[index]
            script = wallycore.psbt_get_input_signing_script(psbt, index)
            code = wallycore.psbt_get_input_scriptcode(psbt, index, script)
            digest = wallycore.psbt_get_input_signature_hash(psbt, index, self.transaction, code, 0)
            wallycore.psbt_sign_input_bip32(psbt, index, 0, digest, key, 0)
        return bytes(wallycore.psbt_to_bytes(psbt, 0))


def wally(request: Request) -> Peer:
    return peer(Wally(request).sign)


def wally_ready(request: Request) -> Peer:
    wally = Wally(request)
    keys = [wally.child(path) for path in wally.places]
    return peer(lambda: wally.sign(keys))


PEERS: dict[str, Callable[[Request], Peer]] = {
    "embit": embit,
    "wallycore": wally,
    "wallycore_ready": wally_ready,
    "btclib": btclib,
}


def proven(request: Request, peer: Peer) -> float:
    """Seconds that a peer needs that signs every input. Raises Unable (2)."""
    member, started = request.member, time.perf_counter()
    try:
        answer = peer.sign()
        seconds = time.perf_counter() - started
        psbt = parse_psbt(answer)
        verify(SpendClaims(psbt, answer, request.payments), member.vault, member.registry, ())
    except (Malformed, Refusal) as error:
        raise Unable(f"we refuse its answer: {error}") from None
    except Exception as error:  # whatever a peer raises is its reason
        raise Unable(f"{type(error).__name__}: {error}"[:200]) from None
    signed = sum(
        bool(each.partial_signatures or each.tap_script_signatures) for each in psbt.inputs
    )
    if signed != request.inputs:
        raise Unable(f"it signed {signed} of {request.inputs} inputs")
    return seconds


def private_descriptor(member: Signer, branch: str = "<0;1>") -> str:
    """The vault's descriptor with the private key of the member that signs."""
    first = member.case.federation[0]
    origin, _, xpub = first.key_text.partition("]")
    private = member.vault.text.replace(f"{origin}]{xpub}", f"{origin}]{xprv(first)}")
    return private.replace("<0;1>", branch)
