"""Before the user pays: `pegwarden deposit verify` says, offline, whether the kernel's word holds.

The user knows the published policy, and each member's statement key from the member itself.
"""

from collections.abc import Callable
from pathlib import Path

from google.protobuf.json_format import MessageToJson

from clients.demo.command import DONE, REFUSED, pegwarden
from clients.demo.forge import Forgery
from clients.demo.narrator import Narrator, expect
from clients.demo.policy import MAGIC
from clients.demo.scene import L2_CHAIN_ID, L2_USER, Cast
from clients.member import Member
from pegwarden.v1 import kernel_pb2

Answer = kernel_pb2.GenerateDepositPsbtResponse
OTHER_USER = b"\xbb" * 20


def verify_deposit_offline(cast: Cast, kernel: Member, answer: Answer, narrator: Narrator) -> None:
    """The answer holds; an answer that was changed on the way does not."""
    info = kernel.ask(kernel_pb2.GetInfoRequest(), kernel_pb2.GetInfoResponse)
    key = info.statement_key.hex()
    said = _verify(cast.burns.parent, answer, key, DONE)
    expect(said["vault_address"] == answer.vault_address, f"another address: {said}")
    narrator.step(f"{kernel.name}'s signed deposit statement holds, checked offline")
    for story, code, change in CHANGES:
        changed = Answer()
        changed.CopyFrom(answer)
        change(changed)
        said = _verify(cast.burns.parent, changed, key, REFUSED)
        expect(said["code"] == code, f"{story}: {said}")
        narrator.told(story, code, said["detail"])


def _verify(directory: Path, answer: Answer, key: str, status: int) -> dict[str, str]:
    file = directory / "deposit.json"
    file.write_text(MessageToJson(answer))
    said: dict[str, str] = pegwarden(
        *("deposit", "verify", str(file), "--policy", str(directory / "policy.toml")),
        *("--statement-key", key, "--magic", MAGIC.hex()),
        *("--l2-chain-id", str(L2_CHAIN_ID), "--l2-address", L2_USER.hex()),
        status=status,
    )
    return said


def _another_address(answer: Answer) -> None:
    answer.vault_address = "bcrt1qz32twfx4t3csxdlnu3w8989saam3zm8c86586f"


def _another_user(answer: Answer) -> None:
    forgery = Forgery(answer.psbt)
    forgery.replace_in_outputs(L2_USER, OTHER_USER)
    answer.psbt = bytes(forgery)


def _another_signature(answer: Answer) -> None:
    answer.statement.signature = bytes(64)


CHANGES: tuple[tuple[str, str, Callable[[Answer], None]], ...] = (
    ("a deposit answer with another address", "deposit-mismatch", _another_address),
    ("a deposit PSBT that credits another user", "deposit-mismatch", _another_user),
    ("a deposit statement that nobody signed", "statement-invalid", _another_signature),
)
