"""What the hostile relayer tries against anchors, the Taproot vault and sweeps, and the refusals' codes.

1. Beside each attack stands its honest twin, one field away, which every kernel would sign.
2. Nothing that is refused makes an honest request impossible: the twins are asked after the attacks.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from clients.demo.attacks import THIEF
from clients.demo.bridge import (
    BATCHES,
    MAIN_1,
    MAIN_2,
    MAIN_3,
    Told,
    batch_of,
    change_of,
    confirmed,
    decided,
    signed_by_all,
    tap_orders,
    validate,
)
from clients.demo.command import REFUSED, pegwarden
from clients.demo.forge import Forgery
from clients.demo.hostile import refusal_of
from clients.demo.narrator import Narrator, expect
from clients.demo.officers import officers_of
from clients.demo.policy import DELAY, VAULTS, People, bridge_policy_text
from clients.demo.scene import FEE, TAPROOT, VAULT, Cast
from clients.demo.stage import THRESHOLD, House
from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft
from clients.relayer.moves import Move, anchor_draft, move_draft
from pegwarden.v1 import types_pb2
from signer.bitcoin.codec import compact_size, var_bytes
from signer.bitcoin.hashes import sha256
from signer.bitcoin.psbt import fields
from signer.bitcoin.transaction import TxOut, parse_transaction
from signer.bitcoin.units import Sats

CHANGE = 1
ANNEX = b"\x50a covert channel"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One hostile request to the Taproot vault, and its honest twin."""

    story: str
    code: str
    draft: Draft
    twin: Draft


def attempt_all(cast: Cast, coin: VaultCoin, told: Told, narrator: Narrator) -> VaultCoin:
    """All of them; then the honest withdrawal goes through. What is left of the coin."""
    relayer = cast.sides[TAPROOT].relayer
    used, swept = _sweep(cast, coin, narrator)
    honest = relayer.construct((tap_orders(cast)["honest"],), (swept,), FEE)
    attempts = (*_on_anchors(cast, swept), *_on_taproot(honest), _on_sweeps(cast, used, swept))
    for each in attempts:
        _attempt(cast, each, narrator)
    for each in attempts:
        _expect_signable(cast, each.twin, each.story)
    told.withdrawals.append(confirmed(cast, relayer.finish(honest)))
    narrator.step(f"after all that the honest withdrawal goes through: {told.withdrawals[-1]}")
    return change_of(honest)


def _attempt(cast: Cast, each: Attempt, narrator: Narrator) -> None:
    federation, said = cast.sides[TAPROOT].relayer.federation, []
    for kernel in cast.kernels:
        refused = refusal_of(partial(federation.sign, kernel, each.draft), each.story)
        expect(refused.code == each.code, f"{each.story}: {refused}, not {each.code}")
        said.append(refused)
    narrator.refused(each.story, tuple(said))
    _expect_signable(cast, each.twin, each.story)


def _expect_signable(cast: Cast, twin: Draft, story: str) -> None:
    federation = cast.sides[TAPROOT].relayer.federation
    for kernel in cast.kernels:
        explained = federation.explain(kernel, twin)
        failed = [line.rule for line in explained.trace if not line.passed]
        expect(explained.would_sign, f"{story}: {kernel.name} refuses the twin too: {failed}")


def _on_anchors(cast: Cast, coin: VaultCoin) -> tuple[Attempt, ...]:
    relayer = cast.sides[TAPROOT].relayer
    again = anchor_draft(relayer, batch_of(MAIN_2), (coin,), FEE)
    third = anchor_draft(relayer, batch_of(MAIN_3), (coin,), FEE)
    other = replace(MAIN_2, root=sha256(b"another root"))
    cast.papers.believe_batches(other if each is MAIN_2 else each for each in BATCHES)
    second = anchor_draft(relayer, batch_of(other), (coin,), FEE)
    cast.papers.believe_batches(BATCHES)
    unattested = replace(third, attestations=tuple(e for e in third.attestations if e.coins))
    return (
        Attempt("a second root, attested, for a batch", "batch-root-conflict", second, again),
        Attempt("an anchor without attestations", "attestation-missing", unattested, third),
        Attempt("an anchor with a payment beside it", "mixed-purposes", _paying(third), third),
    )


def _paying(anchor: Draft) -> Draft:
    forgery, amount = Forgery(anchor.psbt), Sats(1_000_000)
    forgery.change_output(CHANGE, lambda txout: txout._replace(amount=Sats(txout.amount - amount)))
    forgery.add_output(TxOut(amount, THIEF), {})
    claim = types_pb2.PaymentClaim(withdrawal_id=sha256(b"nothing owed"), vout=2)
    return replace(anchor, psbt=bytes(forgery), payments=(claim,))


def _forged(honest: Draft, change: Callable[[Forgery], None]) -> Draft:
    forgery = Forgery(honest.psbt)
    change(forgery)
    return replace(honest, psbt=bytes(forgery))


def _sequence(value: int) -> Callable[[Forgery], None]:
    return lambda forgery: forgery.change_input(0, lambda txin: txin._replace(sequence=value))


def _first_leaf(forgery: Forgery, change: Callable[[bytes, bytes], tuple[bytes, bytes]]) -> None:
    pairs = forgery.inputs[0]
    key = min(each for each in pairs if each[:1] == fields.IN_TAP_LEAF_SCRIPT)
    value = pairs.pop(key)
    changed, leaf = change(key, value)
    pairs[changed] = leaf


def _control_block(forgery: Forgery) -> None:
    _first_leaf(forgery, lambda key, value: (key[:-1] + bytes((key[-1] ^ 1,)), value))


def _leaf_version(forgery: Forgery) -> None:
    _first_leaf(
        forgery,
        lambda key, value: (key[:1] + bytes((0xFE | key[1] & 1,)) + key[2:], value[:-1] + b"\xfe"),
    )


def _annex(forgery: Forgery) -> None:
    items = (b"", bytes(64), bytes(64), b"\x51", b"\xc0" + bytes(64), ANNEX)
    stack = b"".join(var_bytes(item) for item in items)
    forgery.inputs[0][fields.IN_FINAL_SCRIPTWITNESS] = compact_size(len(items)) + stack


_TAPROOT: tuple[tuple[str, str, Callable[[Forgery], None]], ...] = (
    ("a withdrawal through the recovery path", "recovery-may-not-pay", _sequence(DELAY)),
    ("a sequence that would enable it later", "sequence-refused", _sequence(DELAY + 1)),
    ("a forged control block", "input-script-mismatch", _control_block),
    ("leaf version 0xfe", "input-script-mismatch", _leaf_version),
    ("an annex", "input-already-final", _annex),
)


def _on_taproot(honest: Draft) -> tuple[Attempt, ...]:
    return tuple(
        Attempt(story, code, _forged(honest, change), honest) for story, code, change in _TAPROOT
    )


def _sweep(cast: Cast, coin: VaultCoin, narrator: Narrator) -> tuple[Move, VaultCoin]:
    """An honest sweep, on record everywhere: its move, and the coin that it makes."""
    relayer, move = cast.sides[TAPROOT].relayer, decided(cast, TAPROOT, TAPROOT)
    draft = move_draft(relayer, move, (coin,), FEE)
    signed_by_all(cast, TAPROOT, draft)
    txid = confirmed(cast, relayer.finish(draft))
    narrator.step(f"a coin swept within the Taproot vault: {txid}")
    return move, change_of(draft)


def _on_sweeps(cast: Cast, used: Move, coin: VaultCoin) -> Attempt:
    relayer = cast.sides[TAPROOT].relayer
    again = move_draft(relayer, used, (coin,), FEE)
    fresh = move_draft(relayer, decided(cast, TAPROOT, TAPROOT), (coin,), FEE)
    return Attempt("a sweep statement used twice", "sweep-statement-used", again, fresh)


def stranger_refused(cast: Cast, ours: str, narrator: Narrator) -> None:
    """Somebody's wallet writes our payload: the transaction that the vault wrote is told from it."""
    raw = parse_transaction(bytes.fromhex(cast.node.rpc("getrawtransaction", ours)))
    (payload,) = (out.script_pubkey[3:] for out in raw.outputs if not out.amount)
    miner = cast.node.make_wallet("miner")
    bare = miner("createrawtransaction", [], [{"data": payload.hex()}])
    signed = miner("signrawtransactionwithwallet", miner("fundrawtransaction", bare)["hex"])["hex"]
    txid = confirmed(cast, cast.relayer.broadcast(bytes.fromhex(signed)))
    verdict = validate(cast, VAULT, MAIN_1, txid)
    said = (verdict.payload_matches, verdict.from_vault, verdict.anchor_valid)
    story, code = "a stranger's OP_RETURN offered as ours", "anchor-not-from-vault"
    expect(said == (True, False, False), f"{story}: {said}")
    (reason,) = verdict.reasons
    expect(reason.code == code, f"{story}: {reason.code}")
    narrator.told(story, code, reason.detail)
    expect(validate(cast, VAULT, MAIN_1, ours).anchor_valid, "our own anchor is no longer valid")


def spendable_key_refused(cast: Cast, houses: tuple[House, ...], narrator: Narrator) -> None:
    """A Taproot vault with a door beside the multisig: an internal key that somebody may have."""
    xpubs = [[house.xpubs[vault] for house in houses] for vault in VAULTS]
    people = People(
        tuple(each.key.public for each in cast.watchers.attestors),
        tuple(each.listed for each in officers_of(cast.papers.directory)),
    )
    story, code = "a spendable internal key", "descriptor-internal-key"
    policy = cast.burns.with_name("spendable.toml")
    internal = cast.wallet.xpub_text().rpartition("]")[2]
    policy.write_text(bridge_policy_text(THRESHOLD, xpubs, people, internal))
    said = pegwarden("policy", "explain", str(policy), status=REFUSED)
    expect(said["code"] == code, f"{story}: {said}")
    narrator.told(story, code, said["detail"])
    policy.write_text(bridge_policy_text(THRESHOLD, xpubs, people))
    pegwarden("policy", "explain", str(policy))
