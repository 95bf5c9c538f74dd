"""The state of control as bytes: canonical, and read strictly."""

from functools import lru_cache

from signer.core.control import ControlState, Epoch, OfficerPause
from signer.core.fields import (
    pack,
    read_number,
    refuse_entry,
    sized,
    u64_be,
    unpack,
    unpack_exactly,
)


def encode_control(state: ControlState) -> bytes:
    """Canonical bytes."""
    return pack(
        (
            pack(map(_encode_pause, state.pauses)),
            u64_be(state.confirmed),
            u64_be(state.locked),
            pack(map(_encode_epoch, state.epochs)),
            u64_be(state.stated_time),
            u64_be(state.reorganised),
        )
    )


@lru_cache(maxsize=4)  # asked for each request, and seldom another
def decode_control(content: bytes) -> ControlState:
    """The inverse. Raises Malformed `entry-malformed` for anything but what `encode_control` writes."""
    pauses, confirmed, locked, epochs, stated, undone = unpack_exactly(content, 6)
    state = ControlState(
        pauses=tuple(map(_decode_pause, unpack(pauses))),
        confirmed=read_number(confirmed, 8),
        locked=read_number(locked, 8),
        epochs=tuple(map(_decode_epoch, unpack(epochs))),
        stated_time=read_number(stated, 8),
        reorganised=read_number(undone, 8),
    )
    if encode_control(state) != content:
        refuse_entry("a control state that is not in canonical form")
    return state


def _encode_pause(pause: OfficerPause) -> bytes:
    lives = b"\x01" if pause.lives else b"\x00"
    return pack((pause.officer, u64_be(pause.until), u64_be(pause.entry), lives))


def _decode_pause(content: bytes) -> OfficerPause:
    officer, until, entry, lives = unpack_exactly(content, 4)
    return OfficerPause(officer, read_number(until, 8), read_number(entry, 8), lives == b"\x01")


def _encode_epoch(epoch: Epoch) -> bytes:
    numbers = (epoch.number, epoch.entry, epoch.abandoned_size, epoch.moment)
    return pack((*map(u64_be, numbers), epoch.abandoned_root))


def _decode_epoch(content: bytes) -> Epoch:
    number, entry, size, moment, root = unpack_exactly(content, 5)
    head = (read_number(size, 8), sized(root, 32))
    return Epoch(read_number(number, 8), read_number(entry, 8), *head, read_number(moment, 8))
