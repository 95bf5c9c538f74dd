"""`pegwarden policy simulate NEW --journal J`: what another policy would have said.

1. Every recorded decision with full input is decided again under NEW, each with the record as it was before
   it; the others are counted.
2. The history stays what it was: what NEW would have refused has been signed, and fills its windows.
3. Nothing is written, and no key is needed. Exit status 0, whatever NEW says.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from policies.load import load_policy
from signer.bitcoin.errors import Malformed
from signer.bitcoin.units import COIN
from signer.cli.options import FILE, Emit, columns, json_option
from signer.core.approve import approve
from signer.core.errors import Objection, Pending, Refusal
from signer.core.moments import format_time
from signer.core.registry import VaultRegistry
from signer.journal.audit import read_head
from signer.journal.entry import Entry, GenesisEntry, RefusedEntry, SignedEntry
from signer.member_files import read_policy_bytes
from signer.replay.asked import Asked, Replayed, replay
from signer.replay.court import Court

SIGNED, PENDING, REFUSED = "signed", "pending", "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said to a request."""

    word: str
    """SIGNED, PENDING or REFUSED."""
    codes: tuple[str, ...] = ()
    sats: int | None = None
    """What leaves the vault, the fee included; None where that was not understood."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that would have been another one."""

    number: int
    time: str
    caller: str
    was: Verdict
    would: Verdict

    def as_json(self) -> dict[str, object]:
        """One object."""
        return {
            "number": self.number,
            "time": self.time,
            "caller": self.caller,
            "outflow_sat": self.would.sats if self.was.sats is None else self.was.sats,
            "was": self.was.word,
            "was_codes": list(self.was.codes),
            "would_be": self.would.word,
            "would_be_codes": list(self.would.codes),
        }


@dataclass(slots=True)
class Tally:
    """What the simulation has seen."""

    same: Counter[str] = field(default_factory=Counter)
    """Verdict -> decisions that stay."""
    without_input: int = 0
    """Refusals whose request was not kept."""
    on_record: int = 0
    """Refusals of transactions that were on record: no policy was asked."""
    differences: list[Difference] = field(default_factory=list)

    def sats(self, was: str, would: str) -> int:
        """What leaves the vault with all decisions that change so."""
        found = (each.as_json() for each in self.differences)
        amounts = (
            each["outflow_sat"] for each in found if (each["was"], each["would_be"]) == (was, would)
        )
        return sum(amount for amount in amounts if isinstance(amount, int))


@click.command("simulate")
@click.argument("new", type=FILE)
@click.option("--journal", type=FILE, required=True, help="The journal whose decisions are tried.")
@json_option
def simulate_command(new: Path, journal: Path, emit: Emit) -> None:
    """Decide under the policy NEW what a journal has on record, and show what changes."""
    policy = load_policy(read_policy_bytes(new))
    court, tally = Court(policy, VaultRegistry(policy.vaults)), Tally()
    entries = int(read_head(journal).split("\n")[1])
    quiet = not sys.stderr.isatty()
    with click.progressbar(replay(journal), entries, file=sys.stderr, hidden=quiet) as replayed:
        for each in replayed:
            _require_network(each.stored.entry, policy.network.name)
            _count(each, court, tally)
    emit(_members(tally), _lines(tally))


def _require_network(entry: Entry, network: str) -> None:
    if isinstance(entry, GenesisEntry) and entry.network != network:
        detail = f"the policy is for {network}, the journal for {entry.network}"
        raise Refusal(Objection("policy-wrong-network", detail))


def _count(replayed: Replayed, court: Court, tally: Tally) -> None:
    entry = replayed.stored.entry
    if not isinstance(entry, SignedEntry | RefusedEntry):
        return
    if replayed.asked is None:
        tally.without_input += 1
        return
    was, would = _recorded(entry), _decided(replayed.asked, court, replayed)
    if would is None:
        tally.on_record += 1
    elif would.word == was.word:
        tally.same[was.word] += 1
    else:
        time = format_time(entry.clock)
        tally.differences.append(Difference(replayed.stored.number, time, entry.caller, was, would))


def _recorded(entry: SignedEntry | RefusedEntry) -> Verdict:
    if isinstance(entry, RefusedEntry):
        return Verdict(REFUSED, _codes(entry.objections))
    claims = entry.claims
    paid = sum(each.amount for each in claims.payments)
    moved = sum(each.amount for each in claims.rotations)
    return Verdict(SIGNED, (), paid + moved + claims.fee)


def _decided(asked: Asked, court: Court, replayed: Replayed) -> Verdict | None:
    """None for a transaction that was on record already."""
    sats = None
    try:
        spend, question = court.hear(asked, replayed.before)
        if replayed.before.version(spend.transaction.txid) is not None:
            return None
        sats = spend.outflow
        approve(question, court.policy)
        return Verdict(SIGNED, (), sats)
    except Pending as pending:
        return Verdict(PENDING, _codes(pending.missing), sats)
    except Refusal as refusal:
        return Verdict(REFUSED, _codes(refusal.objections), sats)
    except Malformed as malformed:
        return Verdict(REFUSED, (malformed.code,), sats)


def _codes(objections: tuple[Objection, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.code for each in objections))


def _members(tally: Tally) -> dict[str, object]:
    return {
        "ok": True,
        "decided_again": sum(tally.same.values()) + len(tally.differences),
        "still_signed": tally.same[SIGNED],
        "still_refused": tally.same[REFUSED],
        "without_input": tally.without_input,
        "on_record_already": tally.on_record,
        "signed_before_but_refused_sat": tally.sats(SIGNED, REFUSED),
        "signed_before_but_pending_sat": tally.sats(SIGNED, PENDING),
        "refused_before_but_signed_sat": tally.sats(REFUSED, SIGNED),
        "changes": [each.as_json() for each in tally.differences],
    }


def _lines(tally: Tally) -> Iterator[str]:
    same = tally.same
    again = same[SIGNED] + same[REFUSED] + len(tally.differences)
    yield f"{again} decisions again: {same[SIGNED]} still signed, {same[REFUSED]} still refused"
    yield f"{tally.without_input} refusals whose request was not kept"
    yield f"{tally.on_record} refusals of transactions on record, which no policy is asked about"
    if not tally.differences:
        yield "Nothing changes."
        return
    yield ""
    yield from columns(
        ("entry", "time", "caller", "BTC", "was", "would be", "codes"), map(_row, tally.differences)
    )
    yield ""
    for was, would in ((SIGNED, REFUSED), (SIGNED, PENDING), (REFUSED, SIGNED), (REFUSED, PENDING)):
        number = sum((each.was.word, each.would.word) == (was, would) for each in tally.differences)
        if number:
            yield f"{number} {was}, would be {would}: {_btc(tally.sats(was, would))} BTC"


def _row(each: Difference) -> tuple[str, ...]:
    sats = each.as_json()["outflow_sat"]
    amount = _btc(sats) if isinstance(sats, int) else "-"
    codes = ", ".join(each.would.codes or each.was.codes)
    return (str(each.number), each.time, each.caller, amount, each.was.word, each.would.word, codes)


def _btc(sats: int) -> str:
    return f"{sats // COIN}.{sats % COIN:08d}"
