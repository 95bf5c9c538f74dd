"""Two copies of one member that both serve, where members agree: an honest carrier carries between
all.

1. No withdrawal is paid twice, whichever copy is asked for what.
2. The others learn of it, or one of the copies does and signs no more; the others sign without that member.
"""

from contextlib import suppress

from carrier.round import Carrier
from pegwarden.v1 import kernel_pb2 as pb
from signer.core.agreement.notices import ForkedNotice
from signer.core.errors import Refusal
from signer.journal.audit import read_entries
from tests.crash.lines import Line
from tests.crash.lives import Life
from tests.crash.outside import Known, final
from tests.crash.together import Together

TURNS = 3


def clones(several: Together) -> None:
    """Rivals, one asked of each copy; then both of everybody."""
    *others, doubled = several.random.sample(several.lives, len(several.lives))
    clone = doubled.clone(several.folder / "clone")
    clone.start()
    try:
        everybody = [*others, doubled, clone]
        requests = several.two_of_one_withdrawal(others[0])
        for life, request in zip((doubled, clone), requests, strict=True):
            _sign(several, life, request)
            _carry(several, everybody, several.random.randrange(TURNS))
        for _ in range(TURNS):
            for life in several.random.sample(everybody, len(everybody)):
                for request in requests:
                    _sign(several, life, request)
            _carry(several, everybody, 1)
        several.wrong += several.paid_twice()
        if not any(_knows(each, doubled) for each in others) and all(
            _still_signs(several, each, others) for each in (doubled, clone)
        ):
            several.wrong.append("both copies sign, and nobody noticed")
        _sign_without(several, others)
        several.elsewhere |= final(read_entries(clone.place, 0))
    finally:
        clone.stop()


def _sign(several: Together, life: Life, request: pb.SignPsbtRequest) -> bool:
    """Whether it signed. A clone's signature is its member's."""
    with suppress(Refusal):
        answer = life.sign(request)
        if answer.signatures:
            several.signed.setdefault(answer.txid, (request, set()))[1].add(life.name)
            return True
    return False


def _carry(several: Together, lives: list[Life], rounds: int) -> None:
    carrier = Carrier([Line(each, Known()) for each in lives])
    for _ in range(rounds):
        carrier.carry()


def _sign_without(several: Together, others: list[Life]) -> None:
    request = several.two_of_one_withdrawal(others[0])[0]
    signed: set[str] = set()
    for _ in range(TURNS):
        signed |= {each.name for each in others if _sign(several, each, request)}
        _carry(several, others, 1)
    if len(signed) != len(others):
        several.wrong.append(f"after a clone only {signed} sign")


def _still_signs(several: Together, copy: Life, others: list[Life]) -> bool:
    request = several.two_of_one_withdrawal(others[0])[0]
    for _ in range(TURNS):
        if _sign(several, copy, request):
            return True
        _carry(several, [*others, copy], 1)
    return False


def _knows(life: Life, doubled: Life) -> bool:
    return any(
        isinstance(each.entry, ForkedNotice) and each.entry.member == doubled.log_key
        for each in read_entries(life.place, 0)
    )


AMONG_MEMBERS = (clones,)
