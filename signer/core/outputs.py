"""Outputs: each has exactly one purpose, or the transaction is refused (checklist F1 to F5).

1. A Payment is an output that the caller names for a withdrawal: a standard address that anyone can be
   paid at, never an OP_RETURN, P2A, an unknown witness version or a script of a registered vault.
2. Change pays the vault's change branch: the script is derived from the descriptor and compared.
3. Everything else is unexplained. Nothing is below dust.
"""

from dataclasses import dataclass

from signer.bitcoin.psbt.model import PsbtOutput, UnverifiedPsbt
from signer.bitcoin.script import DUST_LIMIT, script_type
from signer.bitcoin.transaction import TxOut
from signer.core.errors import unverified
from signer.core.payment import Payment, PaymentClaim
from signer.core.places import derive_hinted
from signer.core.spend import Change
from signer.core.standard import spendable_type
from signer.core.vault import CHANGE, Vault, VaultRegistry


@dataclass(frozen=True, slots=True)
class Purposes:
    """What every output is for."""

    payments: tuple[Payment, ...]
    """In output order."""
    change: Change | None


def assign_purposes(
    psbt: UnverifiedPsbt, claims: tuple[PaymentClaim, ...], vault: Vault, registry: VaultRegistry
) -> Purposes:
    """Give every output its purpose. Raises VerificationError."""
    claimed = _claimed(claims, len(psbt.outputs))
    payments: list[Payment] = []
    changes: list[Change] = []
    for vout, (hints, txout) in enumerate(zip(psbt.outputs, psbt.transaction.outputs, strict=True)):
        _understood(hints, vout)
        if vout in claimed:
            _payable(vout, hints, txout, registry)
            payments.append(Payment(claimed[vout], vout, txout.amount, txout.script_pubkey))
        else:
            changes.append(_change(vout, hints, txout, vault))
        _above_dust(vout, txout)
    if len(changes) > 1:
        raise unverified(
            "change-repeated", "more than one change output", f"{len(changes)}", "at most 1"
        )
    return Purposes(tuple(payments), changes[0] if changes else None)


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


def _understood(hints: PsbtOutput, vout: int) -> None:
    if hints.unknown or hints.other:
        raise unverified(
            "psbt-field-not-understood", f"output {vout} has a field that we do not understand"
        )


def _payable(vout: int, hints: PsbtOutput, txout: TxOut, registry: VaultRegistry) -> None:
    if spendable_type(txout.script_pubkey) is None:
        raise unverified(
            "payment-script-refused",
            f"output {vout}: a withdrawal is not paid to such a script",
            script_type(txout.script_pubkey),
            "p2pkh, p2sh, p2wpkh, p2wsh or p2tr with a point on the curve",
        )
    if registry.find(txout.script_pubkey) is not None or _hinted(hints, txout, registry):
        raise unverified(
            "payment-to-vault", f"output {vout}: a withdrawal is paid to a registered vault"
        )


def _hinted(hints: PsbtOutput, txout: TxOut, registry: VaultRegistry) -> bool:
    """Whether the PSBT itself shows the output to be a vault's, beyond the lookahead window."""
    for vault in registry.all():
        derived = derive_hinted(hints.bip32_derivations, vault, "output")
        if derived is not None and derived.script_pubkey == txout.script_pubkey:
            return True
    return False


def _change(vout: int, hints: PsbtOutput, txout: TxOut, vault: Vault) -> Change:
    derived = derive_hinted(hints.bip32_derivations, vault, f"output {vout}")
    if derived is None or derived.script_pubkey != txout.script_pubkey:
        raise unverified(
            "output-unexplained",
            f"output {vout} is neither a payment that you named nor change of vault {vault.vault_id}",
            f"{txout.amount} sat to {txout.script_pubkey.hex()}",
            "a payment named in the request, or change with its key derivations",
        )
    if derived.branch != CHANGE:
        raise unverified(
            "change-wrong-branch",
            f"output {vout} pays the vault's receive branch; change goes to the change branch",
        )
    if hints.witness_script not in (None, derived.witness_script) or hints.redeem_script:
        raise unverified(
            "output-script-mismatch", f"output {vout} carries a script that is not the vault's"
        )
    return Change(vout, txout.amount, derived.index)


def _above_dust(vout: int, txout: TxOut) -> None:
    limit = DUST_LIMIT[script_type(txout.script_pubkey)]
    if txout.amount < limit:
        raise unverified(
            "output-dust", f"output {vout} is dust", f"{txout.amount} sat", f"{limit} sat"
        )
