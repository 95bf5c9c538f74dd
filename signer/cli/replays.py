"""What `journal replay` and `upgrade check` share: where entries come from, and what is known beside them.

1. The policy that a journal begins with stands in the journal if it has [governance]; else it is given, or
   it is the configuration's.
2. Which keys are ours the configuration's key files say, without being opened; else the record shows it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from keystore.hsm_sealed import header_of
from keystore.sealed import read_sealed
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.bitcoin.keys import MemberKey
from signer.bitcoin.units import COIN
from signer.config import KernelConfig, load_config
from signer.core.moments import format_time
from signer.core.notices import PolicyNotice
from signer.journal.audit import StoredEntry, read_entries, read_head
from signer.journal.entry import Entry, SignedEntry
from signer.journal.place import Place
from signer.member_files import read_policy_bytes, shelf_of
from signer.replay.differences import Difference
from signer.replay.run import Premises

BEGINNING = 2
"""Entries that say which policy a journal begins with."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a journal is, and what is said about it."""

    place: Place
    policy: Path | None
    """The file with the policy that it begins with."""
    config: KernelConfig | None
    """Whose journal it is."""

    def entries(self) -> Iterator[StoredEntry]:
        """All, from the first. Raises Refusal, Malformed."""
        return read_entries(self.place, 0)


def source_of(path: Path | None, policy: Path | None, config_path: Path) -> Source:
    """The journal at `path`, else the configuration's."""
    if path is not None:
        return Source(path, policy, None)
    config = load_config(config_path)
    return Source(config.journal, policy or config.policy, config)


def premises_of(source: Source) -> Premises:
    """Raises Refusal, Malformed: what opening a journal and loading a policy raise."""
    genesis = load_policy(_genesis_policy(source))
    ours = () if source.config is None else _our_keys(genesis, source.config)
    return Premises(genesis, shelf_of(genesis), ours)


def size_of(source: Source) -> int:
    """Entries under the head."""
    return int(read_head(source.place).split("\n")[1])


def _genesis_policy(source: Source) -> bytes:
    for stored in islice(source.entries(), BEGINNING):
        if isinstance(stored.entry, PolicyNotice) and not stored.entry.base:
            return stored.entry.policy
    if source.policy is None:
        raise click.UsageError("the journal holds no policy: name its file with --policy")
    return read_policy_bytes(source.policy)


def _our_keys(genesis: LoadedPolicy, config: KernelConfig) -> tuple[MemberKey, ...]:
    texts = {header_of(read_sealed(path)).public.rpartition("]")[2] for path in config.keys.vaults}
    return tuple(
        xpub
        for vault in genesis.vaults
        for xpub in vault.xpubs()
        if xpub.text(vault.network) in texts
    )


@contextmanager
def progress(title: str, total: int) -> Iterator[Progress]:
    """A bar on standard error, if somebody looks at it."""
    bar = Progress(
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    with bar:
        bar.add_task(title, total=total)
        yield bar


def outflow_of(entry: Entry) -> int | None:
    """What leaves the vault, the fee included; None for all but signed entries."""
    if not isinstance(entry, SignedEntry):
        return None
    claims = entry.claims
    paid = sum(each.amount for each in claims.payments)
    return paid + sum(each.amount for each in claims.rotations) + claims.fee


def described(stored: StoredEntry, found: Difference) -> dict[str, object]:
    """A difference as a JSON object."""
    return {
        "number": stored.number,
        "decision_id": stored.leaf.hex(),
        "time": format_time(stored.entry.clock),
        "outflow_sat": outflow_of(stored.entry),
        "was": found.was.word,
        "was_codes": list(found.was.codes),
        "would_be": found.would.word,
        "would_be_codes": list(found.would.codes),
        "fields": [
            {"name": each.name, "was": each.was, "would_be": each.would} for each in found.fields
        ],
    }


def btc(sats: int | None) -> str:
    """As people read it."""
    return "-" if sats is None else f"{sats // COIN}.{sats % COIN:08d}"
