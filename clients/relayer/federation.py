"""The members' kernels, asked one after another.

1. A question that any kernel can answer goes to the first one that does.
2. Each kernel is asked to explain before it is asked to sign, and to sign only what it would sign.
3. Signatures are collected from one kernel after another until they suffice: at least as many as the path
   needs, and, where not any so many will do, until ExtractTx says that they are complete.
4. A kernel that misses nothing but officers or time is asked to sign all the same: that starts its clocks.
   Its answer is no refusal (`Waiting`), and the same request may pass later.
5. A kernel that lacks nothing but other members' grants gets them: what members say to each other is carried,
   and it is asked again (docs/agreement.md).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from carrier.round import Carrier
from clients.member import Member, Refused, Unreachable
from clients.relayer.draft import Draft
from pegwarden.v1 import kernel_pb2

CARRIED_ROUNDS = 4
"""After which a kernel that still lacks grants is left; who did not answer may answer later."""
Answer = TypeVar("Answer")
Reply = TypeVar("Reply", bound=Message)


class NotSigned(Exception):
    """Too few kernels did what was asked; `reasons` has what each of the others said."""

    def __init__(self, *reasons: Exception) -> None:
        super().__init__("; ".join(str(reason) for reason in reasons))
        self.reasons = reasons

    @property
    def is_waiting(self) -> bool:
        """Whether some kernel only waits for officers or time."""
        return any(isinstance(reason, Waiting) for reason in self.reasons)


class WouldRefuse(Exception):
    """ExplainPsbt says that SignPsbt would refuse."""

    def __init__(self, member: str, explanation: kernel_pb2.ExplainPsbtResponse) -> None:
        failed = [line for line in explanation.trace if not line.passed]
        self.codes = tuple(each.code for line in failed for each in line.objections)
        super().__init__(f"{member} would refuse: {', '.join(self.codes)}")


class Waiting(Exception):
    """A kernel will sign once officers have approved, or time has passed."""

    def __init__(self, member: str, pending: kernel_pb2.PendingSpend) -> None:
        self.codes = tuple(each.code for each in pending.missing)
        self.not_before = pending.not_before_unix
        """Unix seconds; 0 where no time is known."""
        super().__init__(f"{member} waits: {'; '.join(each.detail for each in pending.missing)}")


@dataclass(frozen=True, slots=True)
class Federation:
    """The members of one vault."""

    members: tuple[Member, ...]
    vault_id: str

    def all_answers(self, question: Callable[[Member], Answer]) -> list[Answer]:
        """The answers of all who answer. Raises NotSigned when nobody does."""
        answers: list[Answer] = []
        reasons: list[Exception] = []
        for member in self.members:
            try:
                answers.append(question(member))
            except (Refused, Unreachable) as reason:
                reasons.append(reason)
        if not answers:
            raise NotSigned(*reasons)
        return answers

    def first_answer(self, question: Callable[[Member], Answer]) -> Answer:
        """The first answer. A refusal is an answer; silence is not. Raises Refused or NotSigned."""
        reasons: list[Exception] = []
        for member in self.members:
            try:
                return question(member)
            except Unreachable as reason:
                reasons.append(reason)
        raise NotSigned(*reasons)

    def vaults(self) -> list[kernel_pb2.VaultInfo]:
        """What each member that answers says of the vault."""
        request = kernel_pb2.GetInfoRequest()
        infos = self.all_answers(lambda member: member.ask(request, kernel_pb2.GetInfoResponse))
        found = [
            vault for info in infos for vault in info.vaults if vault.vault_id == self.vault_id
        ]
        if not found:
            raise NotSigned(LookupError(f"no member serves a vault {self.vault_id!r}"))
        return found

    def next_change_index(self) -> int:
        """The lowest change index that no member has seen used, if all members accept it."""
        vaults = self.vaults()
        end = min(vault.change_index_end for vault in vaults)
        return min(max(vault.next_change_index for vault in vaults), end - 1)

    def ask_any(self, request: Message, answer: type[Reply]) -> Reply:
        """What any kernel answers alike, such as a PSBT: by whichever does. Raises Refused, NotSigned."""
        return self.first_answer(lambda member: member.ask(request, answer))

    def construct(
        self, request: kernel_pb2.ConstructWithdrawalTxRequest
    ) -> kernel_pb2.ConstructWithdrawalTxResponse:
        """The PSBT of a withdrawal: it is the same on all."""
        return self.ask_any(request, kernel_pb2.ConstructWithdrawalTxResponse)

    def explain(self, member: Member, draft: Draft) -> kernel_pb2.ExplainPsbtResponse:
        """What SignPsbt would say."""
        request = kernel_pb2.ExplainPsbtRequest(
            vault_id=self.vault_id,
            psbt=draft.psbt,
            payments=draft.payments,
            attestations=draft.attestations,
            proofs=draft.proofs,
        )
        return member.ask(request, kernel_pb2.ExplainPsbtResponse)

    def sign(self, member: Member, draft: Draft) -> kernel_pb2.SignPsbtResponse:
        """That member's signatures, or what it waits for (`pending`). Raises Refused."""
        request = kernel_pb2.SignPsbtRequest(
            vault_id=self.vault_id,
            psbt=draft.psbt,
            payments=draft.payments,
            attestations=draft.attestations,
            proofs=draft.proofs,
        )
        return member.ask(request, kernel_pb2.SignPsbtResponse)

    def threshold(self, path_index: int) -> int:
        """The fewest members that can sign by that path."""
        request = kernel_pb2.VerifyScriptRequest(vault_id=self.vault_id)
        return self.ask_any(request, kernel_pb2.VerifyScriptResponse).paths[path_index].threshold

    def collect(self, draft: Draft) -> list[bytes]:
        """Signed PSBTs of as many members as the path needs. Raises NotSigned."""
        wanted = self.threshold(draft.path_index)
        signed: list[bytes] = []
        reasons: list[Exception] = []
        for member in self.members:
            if len(signed) >= wanted and self._extracted(signed).complete:
                break
            try:
                signed.append(self._explained_and_signed(member, draft))
            except (Refused, Unreachable, WouldRefuse, Waiting) as reason:
                reasons.append(reason)
        if len(signed) < wanted:
            raise NotSigned(*reasons)
        return signed

    def _explained_and_signed(self, member: Member, draft: Draft) -> bytes:
        explanation = self.explain(member, draft)
        if not (explanation.would_sign or explanation.would_be_pending):
            raise WouldRefuse(member.name, explanation)
        answer = self.sign(member, draft)
        carrier = Carrier(self.members)
        for _ in range(CARRIED_ROUNDS):
            if not lacks_grants(answer):
                break
            carrier.carry()
            answer = self.sign(member, draft)
        if answer.HasField("pending"):
            raise Waiting(member.name, answer.pending)
        return answer.psbt

    def extract(self, psbts: list[bytes]) -> bytes:
        """The final raw transaction, combined and verified by one kernel. Raises NotSigned."""
        extracted = self._extracted(psbts)
        if not extracted.complete:
            raise NotSigned(LookupError(f"{len(extracted.missing)} inputs lack signatures"))
        return extracted.transaction

    def _extracted(self, psbts: list[bytes]) -> kernel_pb2.ExtractTxResponse:
        request = kernel_pb2.ExtractTxRequest(vault_id=self.vault_id, psbts=psbts)
        return self.ask_any(request, kernel_pb2.ExtractTxResponse)

    def on_record(self, withdrawal_id: bytes) -> list[kernel_pb2.WithdrawalInfo]:
        """What each member that signed a version of it has on record. Raises NotSigned."""
        return self.all_answers(lambda member: whole(member, withdrawal_id))

    def listed(self) -> list[kernel_pb2.WithdrawalInfo]:
        """Every member's record of every withdrawal of the vault, without PSBTs. Raises NotSigned."""
        return [info for infos in self.all_answers(self.listed_by) for info in infos]

    def listed_by(self, member: Member) -> list[kernel_pb2.WithdrawalInfo]:
        """That member's record of every withdrawal of the vault, without PSBTs."""
        found: list[kernel_pb2.WithdrawalInfo] = []
        request = kernel_pb2.ListWithdrawalsRequest(vault_id=self.vault_id)
        while True:
            page = member.ask(request, kernel_pb2.ListWithdrawalsResponse)
            found += page.withdrawals
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    def coins_of(self, member: Member) -> list[kernel_pb2.CoinInfo]:
        """That member's record of the vault's coins."""
        found: list[kernel_pb2.CoinInfo] = []
        request = kernel_pb2.ListCoinsRequest(vault_id=self.vault_id)
        while True:
            page = member.ask(request, kernel_pb2.ListCoinsResponse)
            found += page.coins
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


def lacks_grants(answer: kernel_pb2.SignPsbtResponse) -> bool:
    """Whether that kernel waits for other members' grants alone (5)."""
    return [each.code for each in answer.pending.missing] == ["agreement-pending"]


def whole(member: Member, withdrawal_id: bytes) -> kernel_pb2.WithdrawalInfo:
    """The withdrawal with all pages of its versions."""
    request = kernel_pb2.GetWithdrawalRequest(withdrawal_id=withdrawal_id)
    versions: list[kernel_pb2.Version] = []
    while True:
        page = member.ask(request, kernel_pb2.GetWithdrawalResponse)
        versions += page.withdrawal.versions
        if not page.next_versions_page_token:
            break
        request.versions_page_token = page.next_versions_page_token
    del page.withdrawal.versions[:]
    page.withdrawal.versions.extend(versions)
    return page.withdrawal
