"""The first policy: signed by all its officers before any key is bound to it.

What is not signed by all of them, or is not what they signed, is refused when a key is to be bound; and a
kernel whose policy was exchanged afterwards does not start.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clients.demo.command import REFUSED, pegwarden
from clients.demo.narrator import Narrator, expect
from clients.demo.officers import officers_of

UNSIGNED, FOREIGN = "policy-genesis-unsigned", "policy-not-descended"
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Charter:
    """A policy and its officers' approvals."""

    policy: Path
    approvals: tuple[Path, ...]

    def arguments(self, policy: Path | None = None) -> tuple[str, ...]:
        """Of `key bind`."""
        given = (option for act in self.approvals for option in ("--approval", str(act)))
        return (str(policy or self.policy), *given)


class Bindable(Protocol):
    """A member's house, as far as this file needs it."""

    directory: Path

    @property
    def config(self) -> str:
        """The member's configuration file."""

    @property
    def passphrase(self) -> str:
        """The file with the member's passphrase."""

    @property
    def serve_command(self) -> list[str]:
        """The process of the whole member."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What its processes see beside ours."""


def signed_charter(directory: Path, text: str) -> Charter:
    """The policy in its file, signed by every officer."""
    policy = directory / "policy.toml"
    policy.write_text(text)
    said = pegwarden("policy", "draft-approval", str(policy))
    approvals = tuple(each.sign(said["text"]) for each in officers_of(directory))
    return Charter(policy, approvals)


def bind(house: Bindable, arguments: Sequence[str], status: int = 0) -> dict[str, str]:
    """`key bind`; what it said."""
    opened = ("--config", house.config, "--passphrase-file", house.passphrase)
    said: dict[str, str] = pegwarden("key", "bind", *arguments, *opened, status=status)
    return said


def unsigned_refused(house: Bindable, charter: Charter, narrator: Narrator) -> None:
    """No approvals, one too few, and the approvals of another policy. The member is still to be bound."""
    edited = charter.policy.with_name("edited.toml")
    edited.write_text(
        charter.policy.read_text().replace("payment_at_most(2 BTC)", "payment_at_most(9 BTC)")
    )
    few = Charter(charter.policy, charter.approvals[1:])
    for story, arguments in (
        ("a genesis policy that nobody signed", (str(charter.policy),)),
        ("a genesis policy that one officer did not sign", few.arguments()),
        ("a genesis policy edited after it was signed", charter.arguments(edited)),
    ):
        said = bind(house, arguments, REFUSED)
        expect(said["code"] == UNSIGNED, f"{story}: {said}")
        narrator.told(story, UNSIGNED, said["detail"])


def foreign_refused(house: Bindable, charter: Charter, narrator: Narrator) -> None:
    """The bound member does not serve under another policy, well-formed as it is."""
    installed = house.directory / "policy.toml"
    genuine, story = installed.read_bytes(), "a foreign policy in the place of the bound one"
    installed.write_bytes(charter.policy.with_name("edited.toml").read_bytes())
    done = subprocess.run(
        house.serve_command,
        env=os.environ | house.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    installed.write_bytes(genuine)
    said = [line for line in done.stderr.splitlines() if line.startswith(FOREIGN)]
    expect(done.returncode == REFUSED and bool(said), f"{story}: {done}")
    narrator.told(story, FOREIGN, said[0].partition(": ")[2])
