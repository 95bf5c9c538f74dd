"""The federations of the model: members started, stopped, put back to a copy, cloned, each on its machine.

Journals lie in memory where the system has such a folder. A model's members stop in order, and are copied
while they are stopped: whether a commit outlasts the loss of power is for tests/crash, not for this campaign.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from signer.journal.place import Place, PostgresPlace
from tests.model.hosts import Host, Member, Process, Shape, Time

if TYPE_CHECKING:
    from tests.postgres import Cluster


class Team:
    """A federation's members; those that run by name."""

    def __init__(
        self, folder: Path, shape: Shape, random: Random, cluster: "Cluster | None" = None
    ) -> None:
        self.folder, self.shape, self.cluster = folder, shape, cluster
        self.random = random
        self.time = Time()
        made = (self._member(number) for number in range(shape.members))
        self.members = {each.name: each for each in made}
        self.running: dict[str, Process] = {}
        self.replicas: dict[str, Process] = {}
        """Second kernels on the same database, where there is one and no witnesses."""
        self.clones: dict[str, Process] = {}
        """Second kernels with a copy of the directory, or database."""
        self.copies: dict[str, list[Place]] = {name: [] for name in self.members}
        for each in self.members.values():
            each.init()

    def _member(self, number: int) -> Member:
        place = None if self.cluster is None else self.cluster.new_place()
        folder, host = self.folder / "abcdefgh"[number], Host(self.time)
        return Member(folder, number, self.shape.policy, random=self.random, host=host, place=place)

    def start(self, name: str) -> None:
        if name not in self.running:
            self.running[name] = self.members[name].start()
            if self.cluster is not None and not self.shape.witnesses:
                self.replicas[name] = self.members[name].start()

    def stop(self, name: str) -> None:
        for processes in (self.running, self.replicas):
            if name in processes:
                processes.pop(name).journal.close()

    def end_clone(self, name: str) -> None:
        if name in self.clones:
            self.clones.pop(name).journal.close()

    def process(self, name: str) -> Process:
        """One of those that the member runs."""
        second = self.replicas.get(name) or self.clones.get(name)
        if second is not None and self.random.random() < 0.5:
            return second
        return self.running[name]

    def one_by_one(self, name: str) -> Iterator[None]:
        """Its replicas, each the only one that is asked meanwhile."""
        second = self.replicas.pop(name, None)
        yield
        if second is not None:
            first, self.running[name] = self.running[name], second
            yield
            self.running[name], self.replicas[name] = first, second

    def close(self) -> None:
        """The end."""
        for name in self.members:
            self.stop(name)
            self.end_clone(name)

    def save(self, name: str) -> None:
        """A backup of a stopped member."""
        self.copies[name].append(self._copy(name, f"backup-{name}-{len(self.copies[name])}"))

    def restore(self, name: str, kept: Place) -> None:
        """A stopped member's directory, or database, is that backup again."""
        if self.cluster is not None and isinstance(kept, PostgresPlace):
            self.members[name].place = self.cluster.new_place(self.cluster.name_of(kept))
            return
        assert isinstance(kept, Path)
        shutil.rmtree(self.members[name].folder)
        shutil.copytree(kept, self.members[name].folder)

    def clone(self, name: str) -> None:
        """A stopped member's copy runs beside it, once it runs again."""
        copy, member = self._copy(name, f"clone-{name}-{self.random.random()}"), self.members[name]
        other = (
            replace(member, folder=copy) if isinstance(copy, Path) else replace(member, place=copy)
        )
        self.clones[name] = other.start()

    def _copy(self, name: str, folder: str) -> Place:
        place = self.members[name].place
        if self.cluster is not None and isinstance(place, PostgresPlace):
            return self.cluster.new_place(self.cluster.name_of(place))
        kept = self.folder / folder
        shutil.copytree(self.members[name].folder, kept)
        return kept
