"""Who watches the kernels: an officer who pauses one, a quorum that resumes it, an auditor with the log key.

1. Officers sign texts that name the kernel, from what `pegwarden control status` says of it.
2. The auditor has files and the member's log key, and asks no kernel.
"""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from google.protobuf.json_format import MessageToJson

from clients.demo.bridge import Told
from clients.demo.command import REFUSED, pegwarden
from clients.demo.hostile import refusal_of
from clients.demo.joint import head_of
from clients.demo.narrator import Narrator, expect
from clients.demo.officers import Officer, officers_of
from clients.demo.scene import Cast
from clients.demo.stage import House
from clients.relayer.draft import Draft
from pegwarden.v1 import types_pb2

PAUSED, TAMPERED = "kernel-paused", "journal-tampered"


@dataclass(frozen=True)
class Desk:
    """Where the officers of one member sit."""

    house: House
    officers: tuple[Officer, ...]

    def told(self, what: str, signers: Iterable[Officer], *options: str) -> None:
        """Status, text, signatures, and on to the kernel."""
        folder = self.house.directory.parent
        status, text = folder / "status.json", folder / f"{what}.txt"
        status.write_text(json.dumps(pegwarden("control", "status", *self._line)))
        made = ("--status", str(status), *options, "--out", str(text))
        said = pegwarden("control", what, *made)
        with ThreadPoolExecutor() as people:
            acts = people.map(lambda each: str(each.sign(said["text"])), signers)
        pegwarden("control", "submit", *acts, *self._line)

    @property
    def _line(self) -> tuple[str, ...]:
        tls = self.house.credentials("officer")
        files = ("--ca", str(tls.ca), "--cert", str(tls.certificate), "--cert-key", str(tls.key))
        return ("--connect", self.house.address, *files)


def pause_and_resume(
    cast: Cast, house: House, draft: Draft, telling: tuple[Told, Narrator]
) -> types_pb2.Receipt:
    """One officer stops one kernel, two start it again. The receipt of what it signed then."""
    told, narrator = telling
    desk, kernel = Desk(house, officers_of(house.directory.parent)), cast.kernels[0]
    ada, ben, cleo = desk.officers
    sign = partial(cast.relayer.federation.sign, kernel, draft)
    desk.told("pause", (ada,), "--hours", "1")
    refused = refusal_of(sign, "a paused kernel")
    expect(refused.code == PAUSED, f"a paused kernel: {refused}, not {PAUSED}")
    narrator.refused("what was signed before, of a paused kernel", (refused,))
    narrator.step(f"{ada.name} alone paused {kernel.name}: it signs nothing, retries neither")
    desk.told("resume", (ben, cleo))
    answer = sign()
    expect(bool(answer.psbt), "it does not sign after the resume")
    told.agreement["pauses"] += 1
    narrator.step(f"{ben.name} and {cleo.name} resumed it: the retry is signed again")
    return answer.receipt


def audit(
    cast: Cast,
    house: House,
    evidence: tuple[str, types_pb2.Receipt],
    telling: tuple[Told, Narrator],
) -> None:
    """With an old head and a receipt: the exported log, a changed entry, and proofs."""
    (old_head, receipt), (told, narrator) = evidence, telling
    folder, key = house.directory.parent, ("--log-key", house.log_key)
    exported, old, new = (folder / name for name in ("journal.export", "old.head", "new.head"))
    pegwarden("journal", "export", str(exported), "--config", house.config)
    old.write_text(old_head)
    new.write_text(head_of(cast.kernels[0]).head)
    kept, entry, heads = (
        str(folder / name) for name in ("receipt.json", "entry.proof", "heads.proof")
    )
    Path(kept).write_text(MessageToJson(receipt))
    listed = (str(old), str(new), str(exported), "-o", heads)
    named = (receipt.decision_id.hex(), str(exported), "-o", entry)
    with ThreadPoolExecutor() as auditor:
        verified = auditor.submit(_journal, "verify", str(exported), *key, "--head", str(old))
        proofs = [auditor.submit(_journal, "prove", "consistency", *listed)]
        proofs += [auditor.submit(_journal, "prove", "entry", *named)]
        _changed_entry(exported, receipt, key, narrator)
        verified.result()
        narrator.step(
            f"the exported log verifies offline, by the log key alone: {_size(new)} entries"
        )
        for each in proofs:
            each.result()
        trust = (*key, "--network", "regtest", "--proof", entry)
        genuine = auditor.submit(_journal, "receipt", kept, *trust)
        _journal("prove", "verify", heads, *key)
        genuine.result()
    told.agreement["proofs verified"] += 3
    narrator.step(f"the head of {_size(old)} entries leads to that of {_size(new)}: proof verified")
    narrator.step("the relayer's receipt is genuine, and its entry is in the log")


def _journal(*arguments: str) -> None:
    pegwarden("journal", *arguments)


def _changed_entry(
    exported: Path, receipt: types_pb2.Receipt, key: tuple[str, ...], narrator: Narrator
) -> None:
    """One bit of the withdrawal's transaction."""
    content = bytearray(exported.read_bytes())
    content[content.index(receipt.txid)] ^= 1
    changed = exported.with_name("changed.export")
    changed.write_bytes(content)
    story = "an exported log with one bit changed"
    said = pegwarden("journal", "verify", str(changed), *key, status=REFUSED)
    expect(said["code"] == TAMPERED, f"{story}: {said}")
    narrator.told(story, TAMPERED, said["detail"])


def _size(head: Path) -> int:
    return int(head.read_text().split("\n")[1])
