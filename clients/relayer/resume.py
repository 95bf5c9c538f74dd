"""A relayer that lost its memory goes on from what the members have on record.

1. A withdrawal is unfinished when the node knows no version of it, neither in a block nor in its mempool.
2. The dearest version is asked for again: who signed it gives the same signatures, who has not is given the
   evidence. Where the members recorded different pins, a version that replaces them all is made.
"""

from clients.relayer.book import Book, claims_of
from clients.relayer.draft import Draft
from clients.relayer.federation import NotSigned
from clients.relayer.relayer import Relayer
from pegwarden.v1 import kernel_pb2


def resume_all(relayer: Relayer, rate_sat_per_kvb: int) -> list[str]:
    """Finish what is unfinished; the txids."""
    done: list[str] = []
    while waiting := unfinished(relayer, relayer.book()):
        done.append(resume(relayer, waiting[0], rate_sat_per_kvb))
    return done


def unfinished(relayer: Relayer, book: Book) -> list[bytes]:
    """Withdrawals on record that nobody has broadcast (rule 1)."""
    return [
        each for each in book.ids() if not any(_is_known(relayer, info) for info in book.of(each))
    ]


def resume(relayer: Relayer, withdrawal_id: bytes, rate_sat_per_kvb: int) -> str:
    """Rule 2; the txid."""
    try:
        return relayer.finish(_dearest(relayer, withdrawal_id))
    except NotSigned:
        return relayer.bump(withdrawal_id, rate_sat_per_kvb)


def _is_known(relayer: Relayer, info: kernel_pb2.WithdrawalInfo) -> bool:
    return any(relayer.confirmations(version.txid_display) >= 0 for version in info.versions)


def _dearest(relayer: Relayer, withdrawal_id: bytes) -> Draft:
    book, whole = relayer.book(), relayer.federation.on_record(withdrawal_id)
    versions = [version for info in whole for version in info.versions]
    version = max(versions, key=lambda each: (each.fee_sat, each.txid))
    ids = book.paid_by(version.txid)
    claims = claims_of(version.psbt, (book.of(each)[0] for each in ids))
    draft = Draft(version.psbt, tuple(claims), (), version.fee_sat, 0)
    return relayer.proven(draft, relayer.evidence.withdrawals(ids))
