"""Clocks of kernels that agree."""

from dataclasses import dataclass, field

from tests.kernel.room import ManualClock


@dataclass
class WallClock(ManualClock):
    """Effective and wall time that tests set, and whose clocks were heard."""

    heard_from: dict[bytes, int] = field(default_factory=dict)
    judged: int = 0

    def wall(self) -> int:
        return self.moment

    def heard(self, member: bytes, wall: int) -> None:
        self.heard_from[member] = wall

    def others_time(self) -> int:
        return self.moment

    def judge_by_witnesses(self) -> None:
        self.judged += 1
