"""Whose processes a member's are.

1. Where `[processes]` names users, each process has one of its own: equal ones could end and read each other.
2. Where it names none, all are ours: the user's of whoever asks.
"""

import os
import pwd
from typing import NamedTuple

from signer.config_processes import ProcessesConfig
from signer.core.errors import Objection, Refusal


class Users(NamedTuple):
    """User ids."""

    kernel: int
    edge: int
    keeper: int
    """Of nobody's use without a token."""


def users_of(processes: ProcessesConfig) -> Users:
    """Raises Refusal `config-value` for a user that this system has not, or that stands there twice (1)."""
    named = {
        "kernel_user": processes.kernel_user,
        "edge_user": processes.edge_user,
        "keeper_user": processes.keeper_user,
    }
    found = {key: uid_of(user, key) for key, user in named.items() if user is not None}
    if len(set(found.values())) != len(found):
        raise _refused(", ".join(found), "two of them are one user: each process has its own")
    return Users(*(found.get(key, os.getuid()) for key in named))


def require_kernel_user(users: Users) -> None:
    """Raises Refusal `config-value`: edge and keepers would not believe this process."""
    if users.kernel != os.getuid():
        raise _refused("kernel_user", "is another user than the one that runs this")


def uid_of(user: str, key: str) -> int:
    """That user's id. Raises Refusal `config-value`."""
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise _refused(key, f"this system has no user {user}") from None


def _refused(keys: str, why: str) -> Refusal:
    return Refusal(Objection("config-value", f"`processes.{keys}`: {why}"))
