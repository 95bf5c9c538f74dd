"""`pegwarden upgrade check`: what the installed version would say to a member's journal, before it serves.

1. A file is copied with SQLite's own backup first, also while a kernel writes it: an untried version does not
   touch the journal.
2. What a start would ask of the journal is asked of the copy, each question answered by itself.
3. The last decisions are derived again; what would be answered, bound or signed otherwise is shown.
4. Exit status 0 if every start check holds and no verdict would change, else 1.
"""

import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import click

from signer.bitcoin.errors import Malformed
from signer.cli.options import FILE, Emit, columns, config_option, json_option
from signer.cli.replays import (
    Source,
    btc,
    described,
    outflow_of,
    premises_of,
    progress,
    size_of,
    source_of,
)
from signer.core.errors import Fault, Objection, Refusal
from signer.core.moments import format_time
from signer.descent import verify_descent
from signer.journal.audit import StoredEntry
from signer.journal.entry import RefusedEntry, SignedEntry
from signer.journal.exported import is_exported
from signer.journal.migrations import migrate_journal
from signer.journal.place import Place
from signer.member_files import read_policy
from signer.ports.reading import Reading
from signer.replay.differences import Difference
from signer.replay.run import Outcome, Premises, Rederivation, rederivation


@click.group("upgrade")
def command() -> None:
    """Try the installed version on a journal, before it serves."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a start asks of the journal."""

    about: str
    objection: str = ""
    """Empty where it holds."""


@dataclass(slots=True)
class Trial:
    """What came of it."""

    questions: list[Question] = field(default_factory=list)
    again: int = 0
    """Decisions derived again as they are on record."""
    migrations: list[int] = field(default_factory=list)
    """Steps that `journal migrate` would take first."""
    reworded: int = 0
    """Same verdict and same claims, in other words."""
    reasons: Counter[str] = field(default_factory=Counter)
    changed: list[tuple[StoredEntry, Difference]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the version may serve."""
        return not self.changed and not any(each.objection for each in self.questions)

    def count(self, outcome: Outcome) -> None:
        """One more entry."""
        if outcome.difference is not None:
            if outcome.difference.changes_verdict:
                self.changed.append((outcome.stored, outcome.difference))
            else:
                self.reworded += 1
        elif outcome.reason:
            self.reasons[outcome.reason] += 1
        elif isinstance(outcome.stored.entry, SignedEntry | RefusedEntry):
            self.again += 1

    def ask(self, about: str, question: Callable[[], object]) -> bool:
        """Whether it holds."""
        try:
            question()
        except Refusal as refusal:
            self.questions.append(Question(about, str(refusal)))
        except Malformed as error:
            self.questions.append(Question(about, f"{error.code}: {error.detail}"))
        except Fault as fault:
            self.questions.append(Question(about, str(fault)))
        else:
            self.questions.append(Question(about))
        return not self.questions[-1].objection


@command.command("check")
@click.argument("path", type=FILE, required=False)
@config_option
@click.option("--policy", type=FILE, help="The policy that the journal at PATH begins with.")
@click.option("--last", type=click.IntRange(min=1), default=10_000, show_default=True)
@json_option
def check_command(
    path: Path | None, config_path: Path, policy: Path | None, last: int, emit: Emit
) -> int:
    """Ask of the journal at PATH (else the configuration's) what a start would ask, and derive its LAST
    decisions again."""
    trial = Trial()
    with copied(source_of(path, policy, config_path)) as source:
        _try(source, last, trial)
    emit(_members(trial), _lines(trial))
    return 0 if trial.passed else 1


@contextmanager
def copied(source: Source) -> Iterator[Source]:
    """The journal's own copy (rule 1). An exported one is no live file; another store shows a snapshot."""
    place = source.place
    if not isinstance(place, Path) or is_exported(place):
        yield source
        return
    with TemporaryDirectory(prefix="pegwarden-upgrade-") as folder:
        copy = Path(folder) / place.name
        live = sqlite3.connect(f"file:{quote(str(place.absolute()))}?mode=ro", uri=True)
        with closing(live), closing(sqlite3.connect(copy)) as target:
            live.backup(target)
        yield replace(source, place=copy)


def _try(source: Source, last: int, trial: Trial) -> None:
    schema = "the journal's schema is this version's, or leads to it"
    if not trial.ask(schema, lambda: trial.migrations.extend(_migrated(source.place))):
        return
    premises: list[Premises] = []
    begins = "the journal opens, and the policy that it begins with loads"
    if not trial.ask(begins, lambda: premises.append(premises_of(source))):
        return
    with rederivation(premises[0]) as again:
        told = "every entry is read and folded"
        if trial.ask(told, lambda: _derive(source, again, last, trial)):
            descends = "the policy in force descends from it by recorded approvals, and loads"
            trial.ask(descends, lambda: _verify_policies(source, premises[0], again.reading()))


def _migrated(place: Place) -> tuple[int, ...]:
    """The steps, taken on the copy; an export has no schema, and a live database is left alone."""
    if not isinstance(place, Path) or is_exported(place):
        return ()
    return migrate_journal(place)


def _derive(source: Source, again: Rederivation, last: int, trial: Trial) -> None:
    since = _first_of_last(source.entries(), last)
    with progress("derived again", size_of(source)) as bar:
        for stored in again.over(source.entries(), since):
            trial.count(stored)
            bar.advance(bar.task_ids[0])


def _first_of_last(entries: Iterable[StoredEntry], last: int) -> int:
    """The number of the entry from which on there are so many decisions."""
    decisions = deque[int](maxlen=last)
    for stored in entries:
        if isinstance(stored.entry, SignedEntry | RefusedEntry):
            decisions.append(stored.number)
    return decisions[0] if decisions else 0


def _verify_policies(source: Source, premises: Premises, reading: Reading) -> None:
    """What `signer.compose` asks (its rule 5). Raises Refusal, Fault."""
    served = premises.shelf.in_force(reading).policy_id
    known = {served, premises.genesis.policy_id}
    if premises.genesis.governance is not None:
        known |= verify_descent(premises.shelf, premises.genesis.network, reading).policy_ids
    if source.config is not None and read_policy(source.config).policy_id not in known:
        raise Refusal(Objection("policy-not-descended", "the policy file was never in force"))


def _members(trial: Trial) -> dict[str, object]:
    return {
        "ok": trial.passed,
        "start": [
            {"about": each.about, "ok": not each.objection, "objection": each.objection}
            for each in trial.questions
        ],
        "migrations": trial.migrations,
        "derived_again": trial.again,
        "other_words": trial.reworded,
        "not_derived_again": dict(sorted(trial.reasons.items())),
        "changes": [described(*each) for each in trial.changed],
    }


def _lines(trial: Trial) -> Iterator[str]:
    for each in trial.questions:
        yield f"{'NO ' if each.objection else 'yes'}  {each.about}"
        yield from (f"     {line}" for line in each.objection.splitlines())
    for step in trial.migrations:
        yield f"first: pegwarden journal migrate, to schema {step}"
    yield f"{trial.again} of the last decisions derived again to the byte"
    if trial.reworded:
        yield f"{trial.reworded} entries with the same verdict in other words"
    for reason, count in sorted(trial.reasons.items()):
        yield f"{count} not derived again: {reason}"
    if not trial.changed:
        yield "No verdict would change."
        return
    yield ""
    head = ("entry", "time", "BTC", "was", "would be", "codes")
    yield from columns(head, (_row(*each) for each in trial.changed))


def _row(stored: StoredEntry, found: Difference) -> tuple[str, ...]:
    codes = ", ".join(found.would.codes or found.was.codes)
    if found.was == found.would:
        codes = ", ".join(dict.fromkeys(each.name for each in found.fields))
    time, amount = format_time(stored.entry.clock), btc(outflow_of(stored.entry))
    return (str(stored.number), time, amount, found.was.word, found.would.word, codes)
