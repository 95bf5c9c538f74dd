"""`pegwarden journal follow`: watch a kernel's log from outside, and keep what it said last.

1. Each new head must be signed by the log key and go on from the head before, by a proof that is verified
   here.
2. The last head stands in a file, replaced as a whole: whoever starts again goes on from there.
3. A head that contradicts ends it with exit status 1. Two heads of one size with two roots prove that the log
   key signed two histories: the second is written beside the first.
4. A kernel that cannot be reached has contradicted nobody: the next look comes all the same.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import click

from pegwarden.v1 import audit_pb2 as pb
from signer.bitcoin.errors import Malformed
from signer.cli.journal_heads import Cosigned, Trusted, read_text_file, trust_options
from signer.cli.kernel_client import KernelClient, client_options, refusals_told
from signer.cli.options import FILE, Emit, json_option
from signer.core.errors import Refusal
from signer.journal.audit import require_reached, require_same
from signer.journal.note import Head, verify_head
from signer.journal.proofs import Consistency, verify_consistency


@click.command("follow")
@click.option("--keep", type=FILE, required=True, help="Where the last head is kept.")
@click.option("--every", type=click.IntRange(0), default=10, show_default=True, help="Seconds.")
@click.option("--looks", type=click.IntRange(0), default=0, help="Stop after so many; 0 never.")
@trust_options
@client_options
@json_option
def follow_command(
    keep: Path, trusted: Trusted, kernel: KernelClient, emit: Emit, **pace: int
) -> None:
    """Follow a kernel's heads until interrupted; exit status 1 when one contradicts those before. Each
    --witness must have cosigned what is shown."""
    follower = Follower(kernel, trusted.required_log_key, keep)
    for look in count(1):
        with refusals_told(emit), _unreachable_told(emit):
            head, note = follower.look()
            genesis_hash = bytes.fromhex(head.origin.split("/")[1])
            _tell(head, note, trusted.cosigned(genesis_hash, (note,)), emit)
        if look == pace["looks"]:
            return
        time.sleep(pace["every"])


class Follower:
    """One look after another at the heads of one log."""

    def __init__(self, kernel: KernelClient, log_key: bytes, keep: Path) -> None:
        self._kernel = kernel
        self._log_key = log_key
        self._keep = keep

    def look(self) -> tuple[Head, str]:
        """The newest head, of the same history as the last one.

        Raises Refusal `log-forked` or `journal-behind-head`; Malformed `proof-invalid` or `head-malformed`.
        """
        note = self._kernel.ask(pb.GetHeadRequest(), pb.GetHeadResponse).head
        head = verify_head(note, self._log_key)
        if self._keep.exists():
            self._require_growth(verify_head(read_text_file(self._keep), self._log_key), note)
        _replace(self._keep, note)
        return head, note

    def _require_growth(self, old: Head, note: str) -> None:
        head = verify_head(note, self._log_key)
        if old.origin != head.origin:
            raise Malformed("head-malformed", "the head of another log")
        require_reached(old, head.size)
        if head.size > old.size:
            note = self._kernel.ask(pb.GetHeadRequest(size=old.size), pb.GetHeadResponse).head
        self._require_same(old, note)
        if head.size > old.size:
            request = pb.ProveConsistencyRequest(old_size=old.size, new_size=head.size)
            said = self._kernel.ask(request, pb.ProveConsistencyResponse)
            proof = Consistency(old.size, head.size, tuple(said.path))
            verify_consistency(proof, old.root, head.root)

    def _require_same(self, old: Head, note: str) -> None:
        """The head of that size, as the kernel signs it now, is the one that we keep."""
        head = verify_head(note, self._log_key)
        if head.size != old.size:
            raise Malformed("head-malformed", f"a head of {head.size} entries, not {old.size}")
        try:
            require_same(old, head.root)
        except Refusal:
            _replace(self._keep.with_name(f"{self._keep.name}.forked"), note)
            raise


def _tell(head: Head, note: str, seen: tuple[Cosigned, ...], emit: Emit) -> None:
    members = {"ok": True, "entries": head.size, "root": head.root.hex(), "head": note}
    lines = (f"{head.size} entries, root {head.root.hex()}", *(each.line for each in seen))
    emit(members | {"cosigned": [each.members for each in seen]}, lines)


@contextmanager
def _unreachable_told(emit: Emit) -> Iterator[None]:
    import grpc  # noqa: PLC0415 (commands that stay offline do not wait for it)

    try:
        yield
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call) or error.code() != grpc.StatusCode.UNAVAILABLE:
            raise
        emit({"ok": False, "unreachable": True}, ("the kernel cannot be reached now",))


def _replace(path: Path, text: str) -> None:
    """The file with that content, as a whole or as it was."""
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8", newline="") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
