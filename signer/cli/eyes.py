"""Whose files a command looks at: kernel and edge may be two users, and neither reads what the other has.

1. As the edge's user the TLS files alone are looked at, as the kernel's user all but these. Whoever is
   neither sees what the system lets them see.
2. Root sees everything, which says nothing about a service: for root each file's owner and mode are compared
   with the user who needs it, and with those who must not have it. Access lists are not read.
"""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from signer.config import KernelConfig
from signer.config_processes import ProcessesConfig
from signer.core.errors import Refusal
from signer.process.users import users_of

READ, WRITE, ENTER = 4, 2, 1
_ALL = READ | WRITE | ENTER


class Eyes(NamedTuple):
    """What there is to be looked at (1)."""

    tls: bool
    keys: bool
    """And policy, journal and ledgers."""
    owners: bool
    """Root's (2)."""

    def unseen(self) -> tuple[str, ...]:
        """A sentence where a part is another user's to look at."""
        if self.tls and self.keys:
            return ()
        rest = "keys, policy and journal: the kernel's" if self.tls else "[tls]: the edge's"
        return (f"not looked at: {rest} user looks at them, or root at all",)


class Need(NamedTuple):
    """What a service must have of a path."""

    user: str
    path: Path
    rights: int


def eyes_of(config: KernelConfig) -> Eyes:
    """Of whoever runs this."""
    processes, uid = config.processes, os.getuid()
    if processes is None or processes.edge_user is None:
        return Eyes(tls=True, keys=True, owners=False)
    try:
        users = users_of(processes)
    except Refusal:  # which users there are is said by itself
        return Eyes(tls=True, keys=True, owners=False)
    return Eyes(tls=uid != users.kernel, keys=uid != users.edge, owners=uid == 0)


def unreachable(config: KernelConfig, processes: ProcessesConfig) -> Iterator[str]:
    """What a service lacks that its user needs (2)."""
    for need in _needs(config, processes):
        if need.path.exists() and not may(need):
            yield f"{need.path}: {need.user} needs it, and its owner and mode keep it from {need.user}"


def exposed(config: KernelConfig, processes: ProcessesConfig) -> Iterator[str]:
    """What a service could read that is another's secret (2)."""
    edge, kernel, keeper = processes.edge_user, processes.kernel_user, processes.keeper_user
    held = (*config.keys.sealed, config.keys.ledgers, config.journal_head)
    secrets = {kernel: held, edge: (config.tls.key,)}
    for owner, paths in secrets.items():
        for user in {kernel, edge, keeper} - {owner, None}:
            for path in filter(Path.exists, paths):
                if user is not None and may(Need(user, path, READ)):
                    yield f"{path}: it is {owner}'s, and {user} can read it"


def may(need: Need) -> bool:
    """By owners and modes of the path and of the folders above it."""
    known = pwd.getpwnam(need.user)
    groups = os.getgrouplist(known.pw_name, known.pw_gid)
    path = need.path.resolve()

    def has(each: Path, rights: int) -> bool:
        seen = each.stat()
        is_member = seen.st_gid in groups
        shift = 6 if seen.st_uid == known.pw_uid else 3 if is_member else 0
        return (seen.st_mode >> shift) & rights == rights

    return has(path, need.rights) and all(has(folder, ENTER) for folder in path.parents)


def _needs(config: KernelConfig, processes: ProcessesConfig) -> Iterator[Need]:
    edge, kernel = processes.edge_user, processes.kernel_user
    if edge is None or kernel is None:
        return
    identity = config.agreement.identity
    for paths in (config.tls,) if identity is None else (config.tls, identity):
        yield from (Need(edge, path, READ) for path in (paths.certificate, paths.key))
        yield Need(edge, paths.client_ca, READ)
    for path in (config.policy, *config.keys.sealed):
        yield Need(kernel, path, READ)
    yield Need(kernel, config.keys.ledgers, _ALL)
    yield Need(kernel, config.journal_head.parent, _ALL)
    if isinstance(config.journal, Path):
        yield Need(kernel, config.journal, READ | WRITE)
