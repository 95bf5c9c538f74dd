"""Whose process is at the other end of a Unix socket, by the system's word (SO_PEERCRED)."""

import socket
import struct

_PEER = struct.Struct("iII")


def peer_uid(connection: socket.socket) -> int:
    """The user of who connected or, where we did, of who listens there."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    uid: int = _PEER.unpack(raw)[1]
    return uid
