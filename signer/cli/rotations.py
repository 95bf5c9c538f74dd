"""A rotation as its member sees it: the steps, and which of them policy, key files and record show as done.

1. Nothing is opened and nobody is asked: the policy, the headers of key files, the entries of the journal,
   and what a file shows of the rehearsal.
2. A step is done, or it is not; or nothing here can tell, and then it says who can.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from keystore.header import Header
from policies.loaded import LoadedPolicy, Route
from signer.bitcoin.transaction import OutPoint, Txid
from signer.cli.rehearsals import ShownRehearsal, missing_text
from signer.core.errors import Refusal
from signer.core.payment import WithdrawalId
from signer.core.released import ReleasedNotice
from signer.core.spend import Kind
from signer.core.vault import Vault
from signer.journal.entry import Entry, SignedEntry
from signer.member_files import key_of


class State(StrEnum):
    """How a step stands."""

    DONE = "done"
    OPEN = "open"
    ELSEWHERE = "not told here"


@dataclass(frozen=True, slots=True)
class Step:
    """Of a rotation."""

    name: str
    state: State
    detail: str
    """What is known."""
    task: str
    """What to do."""


@dataclass(slots=True)
class RotationRecord:
    """What the journal says."""

    signed: set[Txid] = field(default_factory=set)
    """Transactions of the next vault."""
    moved: dict[OutPoint, int] = field(default_factory=dict)
    """Rotation (by its first coin) -> the most that one of its versions moves, sats."""
    paid: set[WithdrawalId] = field(default_factory=set)
    """Withdrawals of the old vault with a version on record."""
    closed: set[WithdrawalId] = field(default_factory=set)
    batches: dict[bytes, int] = field(default_factory=dict)
    """Magic -> the highest batch."""


def record_of(entries: Iterable[Entry], old: Vault, new: Vault) -> RotationRecord:
    """Fold the entries."""
    found = RotationRecord()
    for entry in entries:
        if isinstance(entry, ReleasedNotice) and entry.pin is None:
            found.closed.add(entry.terms.withdrawal_id)
        elif isinstance(entry, SignedEntry):
            _take(entry, found, (old.fingerprint, new.fingerprint))
    return found


def _take(entry: SignedEntry, found: RotationRecord, vaults: tuple[bytes, bytes]) -> None:
    old, new = vaults
    claims = entry.claims
    if entry.vault_fingerprint == new:
        found.signed.add(claims.txid)
    if entry.vault_fingerprint == old:
        found.paid |= {each.withdrawal_id for each in claims.payments}
        moved = sum(each.amount for each in claims.rotations if each.to_fingerprint == new)
        first = claims.coins[0].outpoint
        if moved:
            found.moved[first] = max(moved, found.moved.get(first, 0))
    if claims.anchor is not None:
        magic = claims.anchor.magic
        found.batches[magic] = max(claims.anchor.batch, found.batches.get(magic, 0))


@dataclass(frozen=True, slots=True)
class Rotation:
    """From a vault to the next one, and all that is known of it."""

    policy: LoadedPolicy
    old: Vault
    new: Vault
    headers: dict[Path, Header]
    shown: ShownRehearsal
    record: RotationRecord

    def steps(self) -> Iterator[Step]:
        """In their order."""
        yield self._key()
        yield self._rule()
        yield self._history()
        yield self._rehearsal()
        yield self._cap()
        yield self._successor()
        yield self._moves()

    def not_on_record(self) -> list[Txid]:
        """Spends of the rehearsal that carry a signature of our key and are not on our record."""
        path = self._path_of(self.new)
        if path is None:
            return []
        text = self.headers[path].public.rpartition("]")[2]
        ours = {
            position
            for position, place in enumerate(self.new.places)
            if place.xpub.text(self.new.network) == text
        }
        return [
            txid
            for txid, inputs in self.shown.spends.items()
            if txid not in self.record.signed and any(ours & each.places for each in inputs)
        ]

    def _path_of(self, vault: Vault) -> Path | None:
        by_text = {header.public: path for path, header in self.headers.items()}
        try:
            return key_of(vault, by_text)
        except Refusal:
            return None

    def _key(self) -> Step:
        path = self._path_of(self.new)
        bound = path is not None and self.headers[path].binding is not None
        detail = "no key file of ours" if path is None else f"{path}{'' if bound else ', unbound'}"
        return Step(
            f"our key of vault {self.new.vault_id}",
            State.DONE if bound else State.OPEN,
            detail,
            "a vault is registered in the policy with which the journal begins, and its keys are bound then: "
            "`pegwarden init --vault-key`, `pegwarden key bind`",
        )

    def _rule(self) -> Step:
        route = Route(Kind.ROTATION, self.old.vault_id, self.new.vault_id)
        rules = self.policy.blocks_of(route)
        return Step(
            f"a rule for {route}",
            State.DONE if rules else State.OPEN,
            f"{len(rules)} in policy {self.policy.policy_id.hex()[:16]}",
            "propose a policy with an [[allow]] block for it (docs/policy-changes.md)",
        )

    def _history(self) -> Step:
        """Pins and anchors."""
        left, batches = len(self.record.paid - self.record.closed), self.record.batches
        highest = ", ".join(f"{magic.hex()}: {batch}" for magic, batch in batches.items())
        return Step(
            "pins and anchors",
            State.DONE,
            f"on one record with the old vault's: {left} withdrawals not closed, highest batches "
            f"{highest or 'none'}",
            "nothing for members of both vaults. A member of the new one alone imports the logs of its "
            f"witnesses when it starts ({len(self.new.witnesses.log_keys)} are named); without witnesses it "
            "knows of no pin, and must not sign",
        )

    def _rehearsal(self) -> Step:
        found = self.shown.rehearsal
        spent = len(found.quorums) - len(found.missing)
        return Step(
            f"rehearsal of vault {self.new.vault_id}",
            State.DONE if found.is_over else State.OPEN,
            f"{spent} of {len(found.quorums)} primary quorums have spent; not yet: {missing_text(found)}",
            "pay a little to its addresses; have each missing quorum sign a spend, and each path behind a "
            "lock once; show the raw transactions with --rehearsal",
        )

    def _cap(self) -> Step:
        """Lifted once the rehearsal is over."""
        cap = self.policy.deposit_terms(self.new.fingerprint).cap
        over = self.shown.rehearsal.is_over
        return Step(
            f"deposit cap of vault {self.new.vault_id}",
            State.DONE if over and cap is None else State.OPEN,
            "none" if cap is None else f"{cap} sat",
            "`deposit_cap` in the vault's table until the rehearsal is over; then a policy without it "
            "(docs/policy-changes.md)",
        )

    def _successor(self) -> Step:
        path = self._path_of(self.old)
        limits = None if path is None else self.headers[path].limits
        if path is not None and limits is None:
            state, detail = State.DONE, f"{path} has no caps, and needs none"
        elif limits is not None and limits.successor == self.new.fingerprint:
            state, detail = State.DONE, f"sealed into {path}"
        else:
            other = limits.successor.hex() if limits is not None and limits.successor else "none"
            state, detail = State.OPEN, f"successor of {path or 'no key of ours'}: {other}"
        return Step(
            f"successor of vault {self.old.vault_id}",
            state,
            detail,
            f"`pegwarden key caps successor KEY {self.new.vault_id} --rehearsal FILE`, and start again; "
            "a KEY that a token sealed is unwrapped for it (docs/hsm.md)",
        )

    def _moves(self) -> Step:
        moved = self.record.moved
        return Step(
            "rotation spends",
            State.ELSEWHERE,
            f"{len(moved)} on record, which move {sum(moved.values())} sat",
            "have them constructed (ConstructSweepTx), attested and approved, until the chain shows no coin "
            "of the old vault; then release its pins (docs/releases.md), and pay what is open from the new "
            "one",
        )


def step_lines(steps: Iterable[Step]) -> Iterator[str]:
    """How they stand."""
    yield from (f"[{each.state}] {each.name}: {each.detail}" for each in steps)


def task_lines(steps: Iterable[Step]) -> Iterator[str]:
    """What is to be done."""
    for number, each in enumerate(steps, start=1):
        done = " (done)" if each.state is State.DONE else ""
        yield f"{number}. {each.name}{done}: {each.task}."
