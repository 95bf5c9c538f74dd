"""Where what is derived again is not what is on record."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from itertools import islice

from signer.bitcoin.errors import Malformed
from signer.core.errors import Objection, Pending, Refusal
from signer.core.fields import unpack
from signer.journal.codec import encode_entry
from signer.journal.entry import Entry, RefusedEntry, SignedEntry

SHOWN = 120
"""Characters of a value."""
MAX_FIELDS = 20
"""Differences shown of one entry."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field of an entry."""

    name: str
    """`claims.charge`, `objections[0].detail`."""
    was: str
    would: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a request, or what kind of entry it is."""

    word: str
    """`signed`, `refused`, `pending`, `fault`, `nothing`, or the kind of a notice."""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """An entry that would not be written like that."""

    was: Verdict
    would: Verdict
    fields: tuple[FieldDifference, ...]

    @property
    def changes_verdict(self) -> bool:
        """Whether another answer was given, or another thing bound or signed; else only words differ."""
        return self.was != self.would or any(
            each.name.startswith(("claims", "signing", "psbt", "vault", "kind", "path"))
            for each in self.fields
        )


Answer = Refusal | Pending | Exception | None


def difference(recorded: Entry, derived: tuple[Entry, ...], answer: Answer) -> Difference:
    """`derived`: what this version writes in its place, with the answer that the caller would get."""
    would = verdict_of(derived[0]) if len(derived) == 1 else _answered(derived, answer)
    if len(derived) != 1:
        return Difference(verdict_of(recorded), would, (_number_of(derived),))
    if type(recorded) is not type(derived[0]):
        kinds = FieldDifference("kind", kind_of(recorded), kind_of(derived[0]))
        return Difference(verdict_of(recorded), would, (kinds,))
    found = tuple(islice(_compare("", recorded, derived[0]), MAX_FIELDS))
    return Difference(verdict_of(recorded), would, found)


def verdict_of(entry: Entry) -> Verdict:
    """What an entry says."""
    if isinstance(entry, RefusedEntry):
        return Verdict("refused", _codes(entry.objections))
    return Verdict(kind_of(entry))


def kind_of(entry: Entry) -> str:
    """As its canonical bytes call it."""
    if isinstance(entry, SignedEntry):  # by far the most, and large
        return "signed"
    return unpack(encode_entry(entry))[1].decode()


def _answered(derived: tuple[Entry, ...], answer: Answer) -> Verdict:
    match answer:
        case Pending():
            return Verdict("pending", _codes(answer.missing))
        case Refusal():
            return Verdict("refused", _codes(answer.objections))
        case Malformed():
            return Verdict("refused", (answer.code,))
        case None:
            return verdict_of(derived[-1]) if derived else Verdict("nothing")
    return Verdict("fault", (f"{type(answer).__name__}: {answer}"[:SHOWN],))


def _codes(objections: tuple[Objection, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.code for each in objections))


def _number_of(derived: tuple[Entry, ...]) -> FieldDifference:
    kinds = ", ".join(map(kind_of, derived)) or "no entry"
    return FieldDifference("entries", "this entry", kinds)


def _compare(name: str, was: object, would: object) -> Iterator[FieldDifference]:
    if was == would:
        return
    if type(was) is not type(would):
        yield FieldDifference(name, _shown(was), _shown(would))
    elif is_dataclass(was):
        for each in fields(was):
            path = f"{name}.{each.name}".lstrip(".")
            yield from _compare(path, getattr(was, each.name), getattr(would, each.name))
    elif isinstance(was, tuple) and isinstance(would, tuple) and len(was) == len(would):
        for place, pair in enumerate(zip(was, would, strict=True)):
            yield from _compare(f"{name}[{place}]", *pair)
    elif isinstance(was, bytes) and isinstance(would, bytes):
        at = _first_difference(was, would)
        yield FieldDifference(name, _shown(was, at), _shown(would, at))
    else:
        yield FieldDifference(name, _shown(was), _shown(would))


def _first_difference(was: bytes, would: bytes) -> int:
    pairs = enumerate(zip(was, would, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(was), len(would)))


def _shown(value: object, at: int = 0) -> str:
    if not isinstance(value, bytes):
        return str(value)[:SHOWN]
    place = f" from byte {at} of {len(value)}" if at or len(value) > 32 else ""
    return value[at : at + 32].hex() + place
