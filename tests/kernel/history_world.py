"""The world of a long history: a bridge with two vaults, its coins, withdrawals, batches and policies, as far
as whoever asks a kernel for signatures knows them (tests/kernel/histories.py)."""

from collections import deque
from dataclasses import dataclass, field
from random import Random

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.address import address_of
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.script import witness_script_pubkey
from signer.bitcoin.transaction import OutPoint, Transaction, TxOut
from signer.bitcoin.units import Sats
from signer.core.evidence import AnchorTerms, CoinTerms
from signer.core.payment import WithdrawalTerms
from signer.core.vault import CHANGE, Vault
from tests.attacks import bridge
from tests.attacks.bridge import MAIN, PEG
from tests.core.spends import HEIGHT, previous_transaction, withdrawal_id
from tests.kernel.governed import GOVERNANCE, OFFICERS

HOUR, DAY = 3_600, 86_400
DESTINATIONS = tuple(witness_script_pubkey(0, bytes([number]) * 20) for number in range(1, 201))
BANNED = witness_script_pubkey(0, b"\xee" * 20)
SMALL = 30_000_000
"""Above it officers and time are asked."""
RATE = 2_000
"""Satoshi per 1000 vB."""
_OFFICER_KEYS = ", ".join(f'"{officer.key.hex()}"' for officer in OFFICERS)


def governed_policy(version: int = 1, day: str = "6 BTC", count: int = 40) -> bytes:
    """The policy of a history: governed, with officers, anchors, sweeps and a rotation."""
    text = bridge.policy_text(
        when=(
            "and(attested(2, watchers), destinations_not_in(banned), fee_rate_between(1 sat/vB, 60 sat/vB), "
            f"inputs_at_most(6), count_at_most(1h, {count}), outflow_at_most(24h, {day}), "
            "or(payment_at_most(0.3 BTC), and(approved(2, officers), aged(1h))))"
        )
    ).decode()
    text = text.replace('to = "peg"\nwhen = "attested(2, watchers)"', _BY_OFFICERS)
    banned = f'\n[lists]\nbanned = ["{_address(BANNED)}"]\n'
    text = text.replace("\n\n[[allow]]", f"\nofficers = [{_OFFICER_KEYS}]\n{banned}\n[[allow]]", 1)
    text = text.replace("version = 1\n", f"version = {version}\n", 1)
    return (text + GOVERNANCE).encode()


_BY_OFFICERS = 'to = "peg"\nwhen = "or(attested(3, watchers), approved(2, officers))"'


def _address(script: bytes) -> str:
    return address_of(script, PEG.network)


@dataclass(frozen=True, slots=True)
class Owned:
    """A coin of a vault, with what proves it."""

    vault: Vault
    branch: int
    index: int
    previous: Transaction
    vout: int

    @property
    def amount(self) -> int:
        return self.previous.outputs[self.vout].amount

    @property
    def outpoint(self) -> OutPoint:
        return OutPoint(self.previous.txid, self.vout)

    @property
    def prevout(self) -> TxOut:
        return self.previous.outputs[self.vout]

    @property
    def terms(self) -> CoinTerms:
        out = self.prevout
        return CoinTerms(self.outpoint, out.amount, HEIGHT, out.script_pubkey)


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that the kernel signed."""

    coins: tuple[Owned, ...]
    payments: tuple[WithdrawalTerms, ...]
    rate: int
    """Satoshi per 1000 vB."""
    change: tuple[int, int] | None
    """(vout, index)."""
    anchored: AnchorTerms | None = None


@dataclass(frozen=True)
class Asked:
    """A request, and what to remember if it is signed."""

    message: pb.SignPsbtRequest
    sent: Sent


@dataclass
class World:
    """What exists and what was asked, by one seed."""

    random: Random
    now: int
    policy: bytes
    """The newest file that was proposed or came into force."""
    version: int = 1
    coins: dict[str, deque[Owned]] = field(default_factory=lambda: {"peg": deque(), "tap": deque()})
    recent: deque[Sent] = field(default_factory=lambda: deque(maxlen=12))
    """Signed and not yet confirmed."""
    confirmed: int = 0
    waiting: deque[WithdrawalTerms] = field(default_factory=lambda: deque(maxlen=4))
    """Large withdrawals that were proposed."""
    batch: int = 0
    root: bytes = bytes(32)
    """Of that batch, the last that was anchored."""
    numbers: int = 0
    """Withdrawals, nonces and salts drawn so far."""

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def coin(self, vault: Vault = PEG, least: int = 0) -> Owned:
        """Change that confirmed, or a deposit."""
        held = self.coins[vault.vault_id]
        if held and held[0].amount > least and self.random.random() < 0.6:
            return held.popleft()
        number = self.number()
        index = self._window(number) + self.random.randrange(10)
        amount = least + self.random.randrange(10_000_000, 60_000_000)
        script = vault.script(0, index).script_pubkey
        return Owned(vault, 0, index, previous_transaction(script, amount, number), 1)

    def change_index(self) -> int:
        return self._window(self.numbers) + self.random.randrange(10)

    def _window(self, number: int) -> int:
        """Addresses move on slowly: most are used several times."""
        return min(number // 400, self.confirmed // 100)

    def withdrawal(self, amount: int = 0, script: bytes = b"") -> WithdrawalTerms:
        """Somebody burnt tokens."""
        drawn = amount or self.random.randrange(100_000, 4_000_000)
        to = script or self.random.choice(DESTINATIONS)
        return WithdrawalTerms(withdrawal_id(self.number()), Sats(drawn), to)

    def withdrawals(self) -> tuple[WithdrawalTerms, ...]:
        return tuple(self.withdrawal() for _ in range(self.random.choice((1, 1, 1, 2, 3))))

    def nonce(self) -> bytes:
        return self.number().to_bytes(16, "big")

    def next_batch(self, ahead: int = 0) -> AnchorTerms:
        """The batch behind the last one, or one further on."""
        return self._batch(self.batch + 1 + ahead)

    def last_batch(self, root: bytes = b"") -> AnchorTerms:
        """The last batch once more, perhaps with another root."""
        return self._batch(max(1, self.batch), root or self.root)

    def _batch(self, number: int, root: bytes = b"") -> AnchorTerms:
        previous = self.root if number > self.batch else number.to_bytes(32, "big")
        known = bytes(32) if number == 1 else previous
        said = root if any(root) else (number + 1).to_bytes(32, "big")
        return AnchorTerms(MAIN, number - 1, known, number, said, b"\x22" * 32)

    def signed(self, sent: Sent, psbt: bytes) -> None:
        """Remember it; now and then one confirms at once, and its change can be spent."""
        self.confirmed += 1
        if sent.anchored is not None and sent.anchored.batch > self.batch:
            self.batch, self.root = sent.anchored.batch, sent.anchored.root
        if sent.change is not None and self.random.random() < 0.4:
            vout, index = sent.change
            transaction, vault = parse_psbt(psbt).transaction, sent.coins[0].vault
            if transaction.outputs[vout].amount > 1_000_000:
                self.coins[vault.vault_id].append(Owned(vault, CHANGE, index, transaction, vout))
        elif sent.payments:
            self.recent.append(sent)
