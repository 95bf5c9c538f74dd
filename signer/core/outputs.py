"""Outputs: each has exactly one purpose, or the transaction is refused (checklist F1 to F5).

1. A Payment is an output that the caller names for a withdrawal: a standard address that anyone can be
   paid at, never an OP_RETURN, P2A, an unknown witness version or a script of a registered vault.
2. An Anchor is an OP_RETURN of value 0 with a well-formed anchor payload; there is at most one OP_RETURN.
   A deposit payload is refused: a deposit never comes from a vault coin.
3. Rotation pays the receive branch of another registered vault, below its lookahead; fields are that vault's.
4. Change pays the vault's change branch: the script is derived from the descriptor and compared. A vault of
   fixed keys has one script: what pays it is change, whatever the PSBT says of it. There is one change.
5. Everything else is unexplained. Nothing is below dust.
"""

from dataclasses import dataclass

from signer.bitcoin.descriptor import DerivedScript
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.model import PsbtOutput, UnverifiedPsbt
from signer.bitcoin.script import DUST_LIMIT, ScriptType, script_type
from signer.bitcoin.taproot import tap_tree
from signer.bitcoin.transaction import TxOut
from signer.core.errors import MalformedRequest, unverified
from signer.core.opreturn import Anchor, parse_op_return
from signer.core.payment import Payment, PaymentClaim
from signer.core.places import derive_hinted
from signer.core.registry import VaultRegistry
from signer.core.spend import Change, Rotation
from signer.core.standard import spendable_type
from signer.core.vault import RECEIVE, Vault

_TAPROOT_FIELDS = frozenset(
    (fields.OUT_TAP_INTERNAL_KEY, fields.OUT_TAP_TREE, fields.OUT_TAP_BIP32_DERIVATION)
)


@dataclass(frozen=True, slots=True)
class Purposes:
    """What every output is for."""

    payments: tuple[Payment, ...] = ()
    """In output order."""
    change: Change | None = None
    anchor: Anchor | None = None
    rotations: tuple[Rotation, ...] = ()


def assign_purposes(
    psbt: UnverifiedPsbt, claims: tuple[PaymentClaim, ...], vault: Vault, registry: VaultRegistry
) -> Purposes:
    """Give every output its purpose. Raises VerificationError."""
    claimed = _claimed(claims, len(psbt.outputs))
    found: list[Payment | Change | Anchor | Rotation] = []
    for vout, (hints, txout) in enumerate(zip(psbt.outputs, psbt.transaction.outputs, strict=True)):
        rotation = _rotation(vout, txout, vault, registry)
        _verify_understood(hints, vout, rotation.to if rotation else vault)
        if vout in claimed:
            _verify_payable(vout, hints, txout, registry)
            found.append(Payment(claimed[vout], vout, txout.amount, txout.script_pubkey))
        elif script_type(txout.script_pubkey) is ScriptType.OP_RETURN:
            found.append(_anchor(vout, txout))
            continue
        elif rotation is not None:
            _verify_shown(hints, rotation)
            found.append(rotation)
        elif _may_be_change(hints, txout, vault) and any(
            isinstance(each, Change) for each in found
        ):
            raise unverified("change-repeated", f"output {vout} would be a second change output")
        else:
            found.append(_change(vout, hints, txout, vault))
        _verify_above_dust(vout, txout)
    return _sorted(found)


def _may_be_change(hints: PsbtOutput, txout: TxOut, vault: Vault) -> bool:
    """Whether the PSBT says where it would be derived: that costs something, and is done for one change.
    The one script of a vault of fixed keys needs no such word."""
    if vault.is_fixed:
        return txout.script_pubkey == vault.script(RECEIVE, 0).script_pubkey
    return bool(hints.tap_derivations or hints.bip32_derivations)


def _sorted(found: list[Payment | Change | Anchor | Rotation]) -> Purposes:
    changes = [each for each in found if isinstance(each, Change)]
    anchors = [each for each in found if isinstance(each, Anchor)]
    rotations = tuple(each for each in found if isinstance(each, Rotation))
    if len(anchors) > 1 or len({rotation.to.vault_id for rotation in rotations}) > 1:
        raise unverified("mixed-purposes", "more than one anchor, or rotation to several vaults")
    return Purposes(
        payments=tuple(each for each in found if isinstance(each, Payment)),
        change=changes[0] if changes else None,
        anchor=anchors[0] if anchors else None,
        rotations=rotations,
    )


def _claimed(claims: tuple[PaymentClaim, ...], outputs: int) -> dict[int, bytes]:
    claimed = {claim.vout: claim.withdrawal_id for claim in claims}
    ids = set(claimed.values())
    if len(claimed) != len(claims) or len(ids) != len(claims):
        raise unverified(
            "payment-claim-repeated", "one output for two withdrawals, or one withdrawal twice"
        )
    if any(vout >= outputs for vout in claimed):
        raise unverified(
            "payment-claim-without-output", "a payment names an output that does not exist"
        )
    return claimed


def _verify_understood(hints: PsbtOutput, vout: int, vault: Vault) -> None:
    foreign = bool(hints.other)
    if vault.is_taproot:
        foreign = any(key[:1] not in _TAPROOT_FIELDS for key, _ in hints.other)
    if hints.unknown or foreign:
        raise unverified(
            "psbt-field-not-understood", f"output {vout} has a field that we do not understand"
        )


def _verify_payable(vout: int, hints: PsbtOutput, txout: TxOut, registry: VaultRegistry) -> None:
    if spendable_type(txout.script_pubkey) is None:
        raise unverified(
            "payment-script-refused",
            f"output {vout}: a withdrawal is not paid to such a script",
            script_type(txout.script_pubkey),
            "p2pkh, p2sh, p2wpkh, p2wsh or p2tr with a point on the curve",
        )
    if registry.find(txout.script_pubkey) is not None or _names_a_vault(hints, registry):
        raise unverified(
            "payment-to-vault", f"output {vout}: a withdrawal is paid to a registered vault"
        )


def _names_a_vault(hints: PsbtOutput, registry: VaultRegistry) -> bool:
    """Whether the PSBT says that a vault's key stands in the output, also beyond the lookahead windows.
    Nothing is derived for that: no one else's output has such a key."""
    places = [(each.fingerprint, each.path) for each in hints.bip32_derivations]
    places += [(each.fingerprint, each.path) for each in hints.tap_derivations]
    return any(vault.place_of(*place) for vault in registry.all() for place in places)


def _anchor(vout: int, txout: TxOut) -> Anchor:
    try:
        payload = parse_op_return(txout.script_pubkey)
    except MalformedRequest as refusal:
        raise unverified("output-unexplained", f"output {vout}: {refusal}") from None
    if txout.amount != 0 or not isinstance(payload, Anchor):
        raise unverified(
            "output-unexplained",
            f"output {vout} is an OP_RETURN, but no anchor of value 0; a deposit never comes from a vault",
        )
    return payload


def _rotation(vout: int, txout: TxOut, vault: Vault, registry: VaultRegistry) -> Rotation | None:
    place = registry.find(txout.script_pubkey)
    if place is None or place.vault_id == vault.vault_id or place.branch != RECEIVE:
        return None
    to = registry.get(place.vault_id)
    return Rotation(vout, txout.amount, to, place.index) if place.index < to.lookahead else None


def _verify_shown(hints: PsbtOutput, rotation: Rotation) -> None:
    """What the PSBT shows of the next vault's address is true."""
    to, where = rotation.to, f"output {rotation.vout}"
    derived, hinted = to.script(RECEIVE, rotation.index), derive_hinted(hints, to, where)
    if hinted not in (None, derived) or not _script_matches(hints, derived, to):
        raise unverified(
            "output-script-mismatch", f"{where} carries a script that is not the next vault's"
        )


def _change(vout: int, hints: PsbtOutput, txout: TxOut, vault: Vault) -> Change:
    derived = derive_hinted(hints, vault, f"output {vout}")
    if derived is None or derived.script_pubkey != txout.script_pubkey:
        raise unverified(
            "output-unexplained",
            f"output {vout} is neither a payment that you named nor change of vault {vault.vault_id}",
            f"{txout.amount} sat to {txout.script_pubkey.hex()}",
            "a payment named in the request, or change with its key derivations",
        )
    if derived.branch != vault.change_branch:
        raise unverified(
            "change-wrong-branch",
            f"output {vout} pays the vault's receive branch; change goes to the change branch",
        )
    if not _script_matches(hints, derived, vault):
        raise unverified(
            "output-script-mismatch", f"output {vout} carries a script that is not the vault's"
        )
    return Change(vout, txout.amount, derived.index)


def _script_matches(hints: PsbtOutput, derived: DerivedScript, vault: Vault) -> bool:
    if not vault.is_taproot:
        return hints.witness_script in (None, derived.witness_script) and not hints.redeem_script
    return (
        hints.tap_internal_key in (None, derived.internal_key)
        and (not hints.tap_tree or tap_tree(hints.tap_tree).merkle_root == derived.merkle_root)
        and not (hints.witness_script or hints.redeem_script or hints.bip32_derivations)
    )


def _verify_above_dust(vout: int, txout: TxOut) -> None:
    limit = DUST_LIMIT[script_type(txout.script_pubkey)]
    if txout.amount < limit:
        raise unverified(
            "output-dust", f"output {vout} is dust", f"{txout.amount} sat", f"{limit} sat"
        )
