"""A connection to the database that is cut anywhere: at any byte of what a decision sends and hears.

After each cut
1. an answer stands for an entry that is on record;
2. without an answer a retry gets the decision, whether the cut one went on record or not;
3. it is on record once, and counted once.
"""

from dataclasses import dataclass, field
from random import Random

from signer.core.errors import Refusal
from signer.journal.audit import verify_journal
from signer.journal.journal import Journal
from signer.journal.place import Place
from tests import federation
from tests.journal.desk import case_number, desk, pay
from tests.journal.tampering import tables_of
from tests.postgres import Wire

VAULT = federation.vault().fingerprint
CHARGE = 60_010_000
"""Of one decision: amount and fee."""
END = 200
"""Bytes in which the commit goes out and its answer comes: half of all cuts fall there."""


@dataclass
class Cuts:
    """What came of them."""

    answered: int = 0
    """The cut fell behind what mattered, or the writer found its commit."""
    recorded: int = 0
    """No answer, and on record."""
    lost: int = 0
    """No answer, and not on record."""
    wrong: list[str] = field(default_factory=list)


def cut_decisions(wire: Wire, place: Place, seed: int, count: int) -> Cuts:
    """So many decisions, the connection cut once within each. The wire leads to the journal at that place,
    which is new."""
    chance, cuts = Random(seed), Cuts()
    with desk(wire.place) as journal:
        size = _size(wire, journal, place)
        for number in range(2, 2 + count):
            wire.left = chance.choice((chance.randrange(size), size - chance.randrange(END)))
            _cut_one(journal, place, number, cuts)
            wire.left = None
            with journal.reading() as reading:
                charged = reading.outflow_since(VAULT, 0)
            if charged != (number + 1) * CHARGE:
                cuts.wrong.append(f"decision {number}: {charged} sat are counted")
    if verify_journal(place).entries != 3 + count:
        cuts.wrong.append("not as many entries as decisions")
    return cuts


def _size(wire: Wire, journal: Journal, place: Place) -> int:
    """Bytes of a decision on a connection that was made again, as each one's before a cut is."""
    wire.left = 0
    _cut_one(journal, place, 0, Cuts())
    before = wire.passed
    pay(journal, case_number(1))
    return wire.passed - before


def _cut_one(journal: Journal, place: Place, number: int, cuts: Cuts) -> None:
    case = case_number(number)
    try:
        first = pay(journal, case).decision_id
    except Refusal as refusal:
        if refusal.code != "journal-unavailable":
            cuts.wrong.append(f"decision {number}: {refusal}")
        first = b""
    found = _recorded(place, number)
    if first:
        cuts.answered += 1
        if found != [first]:
            cuts.wrong.append(f"decision {number}: an answer without its entry")
        return
    cuts.recorded, cuts.lost = cuts.recorded + len(found), cuts.lost + (not found)
    again = pay(journal, case).decision_id
    if _recorded(place, number) != [again] or found not in ([], [again]):
        cuts.wrong.append(f"decision {number}: a retry is another entry")


def _recorded(place: Place, number: int) -> list[bytes]:
    """Decision ids of the versions of that withdrawal, read past the wire."""
    txid = case_number(number).verify().transaction.txid
    with tables_of(place) as tables:
        rows = tables.execute(
            "SELECT leaf FROM versions JOIN entries ON number = entry WHERE txid = ?", (txid,)
        )
        return [leaf for (leaf,) in rows.fetchall()]
