"""A retry: what is on record is signed again only if it is the same in all that a signature depends on."""

from itertools import chain, islice

from signer.core.control import control_objections
from signer.core.errors import MAX_OBJECTIONS, PolicyDenied, unverified
from signer.core.holds import hold_objections
from signer.core.pins import closed
from signer.core.spend import VerifiedSpend
from signer.core.view import RecordedVersion, View


def recall(spend: VerifiedSpend, recorded: RecordedVersion, view: View, now: int) -> None:
    """A retry of what is on record must be the same in all that a signature depends on. Consent is not asked
    again, but pauses, closings and holds apply (rules 0, 1 and 5).

    Raises PolicyDenied `kernel-paused`, `withdrawal-closed`, `withdrawal-held`, or VerificationError
    `retry-mismatch`: same txid, but another vault, other withdrawals, or another script, sighash type or
    digest for some input (an old approval must not carry a new signature).
    """
    signing = tuple(
        (task.input_index, task.pubkey, task.script, task.sighash_type, task.digest)
        for task in spend.tasks
    )
    terms = frozenset(payment.terms for payment in spend.payments)
    same = (recorded.vault_fingerprint, recorded.terms, recorded.signing) == (
        spend.vault.fingerprint,
        terms,
        signing,
    )
    if not same:
        raise unverified(
            "retry-mismatch", "this txid is on record with other withdrawals, scripts or digests"
        )
    paused = control_objections(view.control(), now)
    paid = (payment.withdrawal_id for payment in spend.payments)
    ended = (closed(each) for each in paid if view.is_closed(each))
    held = hold_objections(spend.payments, view, now)
    stopped = tuple(islice(chain(paused, ended, held), MAX_OBJECTIONS))
    if stopped:
        raise PolicyDenied(*stopped)
