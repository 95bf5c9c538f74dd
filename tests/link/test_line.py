"""The kernel's end of a connection."""

import socket
import threading

from pegwarden.internal.v1 import link_pb2 as pb
from signer.link.line import Line
from tests.link.halls import BODY, answer_from, call_frame


def test_who_takes_no_answers_is_cut_off() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        line = Line(ours, BODY, send_seconds=1)
        theirs.sendall(call_frame())
        calls = line.calls()
        assert line.body(next(calls)[1]) == b""
        line.send(pb.Answer(id=1), bytes(16 << 20))
        assert list(calls) == []
        line.close()


def test_who_takes_answers_gets_them_whole() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        line = Line(ours, BODY)
        line.send(pb.Answer(id=7), b"body")
        assert answer_from(theirs) == (pb.Answer(id=7), b"body")
        line.end()
        line.end()  # from any thread, at any time
        line.send(pb.Answer(id=8))
        assert list(line.calls()) == []
        line.close()


def test_who_takes_an_answer_by_spoonfuls_is_cut_off() -> None:
    """Each part that is taken would begin SO_SNDTIMEO anew: then this never ends."""
    ours, theirs = socket.socketpair()
    with theirs:
        line = Line(ours, BODY, send_seconds=0.5)
        sender = threading.Thread(target=line.send, args=(pb.Answer(id=1), bytes(1 << 30)))
        sender.start()
        while theirs.recv(512):
            pass
        sender.join()
        line.close()


def test_a_body_that_has_no_place_is_not_kept() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        line = Line(ours, BODY)
        theirs.sendall(call_frame(1, body=bytes(150_000)) + call_frame(2, body=b"next"))
        calls = line.calls()
        call, size = next(calls)
        assert (call.id, size) == (1, 150_000)
        line.skip(size)
        call, size = next(calls)
        assert (call.id, line.body(size)) == (2, b"next")
        line.close()
