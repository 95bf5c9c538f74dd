"""A machine for filter programs: what the system's kernel does with one, written again from its manual."""

from collections.abc import Sequence

from signer.room.seccomp import Instruction

MOST_INSTRUCTIONS = 4_096
"""Longer ones the system refuses."""


def run(program: Sequence[Instruction], architecture: int, number: int, *arguments: int) -> int:
    """What the program answers to that call; an argument is 64 bits."""
    words = [number, architecture, 0, 0]
    for each in (*arguments, *(0,) * (6 - len(arguments))):
        words += [each & 0xFFFF_FFFF, each >> 32]
    place, accumulator = 0, 0
    for _ in range(len(program)):  # jumps go forward only
        code, if_true, if_false, operand = program[place]
        place += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            assert operand % 4 == 0
            accumulator = words[operand // 4]
            continue
        if code == 0x54:
            accumulator &= operand
            continue
        holds = {
            0x15: accumulator == operand,
            0x35: accumulator >= operand,
            0x45: bool(accumulator & operand),
        }[code]
        place += if_true if holds else if_false
    raise AssertionError("the program does not end")
