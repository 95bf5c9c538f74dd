"""What officers sign: acts, each as one canonical text (design section 5).

1. A text is UTF-8, lines `key: value` in the order below, each ended by LF, so that what is read is what is
   signed. `read_act` accepts only what `act_text` writes.
2. A text binds the network, its genesis hash (as explorers print it) and what is acted on; `expires` is its
   last line.
3. An approval binds a withdrawal's vault, id, amount and script, or a sweep statement: not the transaction
   and not the policy, so it survives re-batching, fee bumps and policy versions that keep the officer.
4. `subject_of` names what is acted on without the expiry: what words about one thing are counted by.
"""

from collections.abc import Callable
from dataclasses import dataclass

from signer.bitcoin.address import address_of, script_of
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import Network, network_named
from signer.bitcoin.units import COIN, MAX_MONEY, Sats
from signer.core.evidence import SweepTerms, statement_bytes
from signer.core.moments import format_time, read_time
from signer.core.payment import WithdrawalTerms
from signer.core.ssh import format_officer, read_officer

HEADING = "pegwarden officer act, version 1"
MAX_ACT = 4_096
"""Characters of a text; all that are written are ASCII."""
MAX_VERSION = 1_000_000_000
"""Of a policy, as `policies/load.py` reads it."""
GENESIS_POLICY = bytes(32)
"""What the first policy replaces."""
_MOVES = {1: "sweep", 2: "rotation"}


@dataclass(frozen=True, slots=True)
class ApproveWithdrawal:
    """This withdrawal may be paid."""

    vault_fingerprint: bytes
    terms: WithdrawalTerms


@dataclass(frozen=True, slots=True)
class RejectWithdrawal:
    """This officer's approval of that withdrawal does not count, now or later."""

    vault_fingerprint: bytes
    terms: WithdrawalTerms


@dataclass(frozen=True, slots=True)
class ApproveMove:
    """One transaction may move coins as the sweep statement says."""

    vault_fingerprint: bytes
    terms: SweepTerms


@dataclass(frozen=True, slots=True)
class HoldWithdrawal:
    """No version of that withdrawal is signed before then."""

    withdrawal_id: bytes
    until: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class HoldDestination:
    """No withdrawal to that script is signed before then."""

    script_pubkey: bytes
    until: int


@dataclass(frozen=True, slots=True)
class LiftHolds:
    """Holds of that officer end: an act of the quorum."""

    officer: bytes
    """The officer's key."""


@dataclass(frozen=True, slots=True)
class ApprovePolicy:
    """That policy may follow this one."""

    policy_id: bytes
    replaces: bytes
    """Id of the policy in force; GENESIS_POLICY for the first."""
    version: int


Act = (
    ApproveWithdrawal
    | RejectWithdrawal
    | ApproveMove
    | HoldWithdrawal
    | HoldDestination
    | LiftHolds
    | ApprovePolicy
)


@dataclass(frozen=True, slots=True)
class SignedAct:
    """A claim: that officer said so. Nothing is proven until `signer.core.officers.verify_act`."""

    text: str
    officer: bytes
    """32-byte x-only key, or an OpenSSH public key blob."""
    signature: bytes
    """64 bytes of BIP-340, or an OpenSSH signature blob."""


@dataclass(frozen=True, slots=True)
class StatedAct:
    """What a text says."""

    act: Act
    network: Network
    expires: int
    """Unix seconds; at this second it no longer counts."""


def act_text(stated: StatedAct) -> str:
    """The canonical text."""
    action, lines = _lines(stated.act, stated.network)
    network = stated.network
    head = [HEADING, f"action: {action}", f"network: {network.name}"]
    genesis = f"genesis: {network.genesis_hash[::-1].hex()}"
    body = [f"{key}: {value}" for key, value in lines]
    return "\n".join((*head, genesis, *body, f"expires: {format_time(stated.expires)}", ""))


def read_act(text: str) -> StatedAct:
    """The inverse of `act_text`. Raises Malformed `act-malformed`."""
    if len(text) > MAX_ACT:
        raise _malformed(f"an officer's text has at most {MAX_ACT} characters")
    value = dict(line.partition(": ")[::2] for line in text.split("\n"))
    try:
        network = network_named(value["network"])
        act = _READERS[value["action"]](value, network)
        stated = StatedAct(act, network, _time(value["expires"]))
    except (KeyError, ValueError, Malformed):
        raise _malformed("an officer's text of an unknown or incomplete act") from None
    if act_text(stated) != text:
        raise _malformed("an officer's text that is not in canonical form")
    return stated


def subject_of(act: Act, genesis_hash: bytes) -> bytes:
    """32 bytes: what the act is about. An approval and a rejection of one withdrawal have one subject."""
    match act:
        case ApproveWithdrawal(vault, terms) | RejectWithdrawal(vault, terms):
            return withdrawal_subject(genesis_hash, vault, terms)
        case ApproveMove(vault, terms):
            return move_subject(genesis_hash, vault, terms)
        case HoldWithdrawal(withdrawal_id):
            return sha256(b"hold withdrawal" + genesis_hash + withdrawal_id)
        case HoldDestination(script_pubkey):
            return sha256(b"hold destination" + genesis_hash + script_pubkey)
        case LiftHolds(officer):
            return sha256(b"lift holds" + genesis_hash + officer)
    version = act.version.to_bytes(8, "big")
    return sha256(b"policy" + genesis_hash + act.policy_id + act.replaces + version)


def withdrawal_subject(genesis_hash: bytes, vault: bytes, terms: WithdrawalTerms) -> bytes:
    """What approvals of a withdrawal are counted by."""
    return sha256(b"withdrawal" + genesis_hash + vault + statement_bytes(terms))


def move_subject(genesis_hash: bytes, vault: bytes, terms: SweepTerms) -> bytes:
    """What approvals of a sweep or rotation are counted by."""
    return sha256(b"move" + genesis_hash + vault + statement_bytes(terms))


Lines = tuple[tuple[str, str], ...]


def _lines(act: Act, network: Network) -> tuple[str, Lines]:
    match act:
        case ApproveWithdrawal(vault, terms):
            return "approve withdrawal", _withdrawal_lines(vault, terms, network)
        case RejectWithdrawal(vault, terms):
            return "reject withdrawal", _withdrawal_lines(vault, terms, network)
        case ApproveMove(vault, terms):
            return f"approve {_MOVES[terms.kind]}", _move_lines(vault, terms)
        case HoldWithdrawal(withdrawal_id, until):
            return "hold withdrawal", (
                ("withdrawal", withdrawal_id.hex()),
                ("until", format_time(until)),
            )
        case HoldDestination(script, until):
            return "hold destination", (
                ("address", address_of(script, network)),
                ("script", script.hex()),
                ("until", format_time(until)),
            )
        case LiftHolds(officer):
            return "lift holds", (("officer", format_officer(officer)),)
    return "approve policy", (
        ("policy", act.policy_id.hex()),
        ("version", str(act.version)),
        ("replaces", act.replaces.hex()),
    )


def _withdrawal_lines(vault: bytes, terms: WithdrawalTerms, network: Network) -> Lines:
    return (
        ("vault", vault.hex()),
        ("withdrawal", terms.withdrawal_id.hex()),
        ("amount", _amount(terms.amount)),
        ("address", address_of(terms.script_pubkey, network)),
        ("script", terms.script_pubkey.hex()),
    )


def _move_lines(vault: bytes, terms: SweepTerms) -> Lines:
    return (
        ("vault", vault.hex()),
        ("to", terms.to_fingerprint.hex()),
        ("path", str(terms.path)),
        ("highest fee", _amount(terms.max_fee)),
        ("nonce", terms.nonce.hex()),
    )


def _amount(amount: Sats) -> str:
    return f"{amount // COIN}.{amount % COIN:08d} BTC"


def _read_amount(text: str) -> Sats:
    amount = int(text.removesuffix(" BTC").replace(".", ""))
    if not 0 <= amount <= MAX_MONEY:
        raise ValueError(text)
    return Sats(amount)


def _read_withdrawal(value: dict[str, str], network: Network) -> tuple[bytes, WithdrawalTerms]:
    script = script_of(value["address"], network)
    terms = WithdrawalTerms(_hash(value["withdrawal"]), _read_amount(value["amount"]), script)
    return _hash(value["vault"]), terms


def _read_move(kind: int) -> Callable[[dict[str, str], Network], Act]:
    def read(value: dict[str, str], _: Network) -> Act:
        fee, nonce = _read_amount(value["highest fee"]), bytes.fromhex(value["nonce"])
        path = int(value["path"])
        if len(nonce) != 16 or not 0 <= path <= 0xFF:
            raise ValueError
        terms = SweepTerms(kind, _hash(value["to"]), path, fee, nonce)
        return ApproveMove(_hash(value["vault"]), terms)

    return read


def _time(text: str) -> int:
    moment = read_time(text)
    if moment is None:
        raise ValueError(text)
    return moment


def _version(text: str) -> int:
    version = int(text)
    if not 1 <= version <= MAX_VERSION:
        raise ValueError(text)
    return version


def _hash(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != 32:
        raise ValueError(text)
    return value


_READERS: dict[str, Callable[[dict[str, str], Network], Act]] = {
    "approve withdrawal": lambda value, network: ApproveWithdrawal(
        *_read_withdrawal(value, network)
    ),
    "reject withdrawal": lambda value, network: RejectWithdrawal(*_read_withdrawal(value, network)),
    "approve sweep": _read_move(1),
    "approve rotation": _read_move(2),
    "hold withdrawal": lambda value, _: HoldWithdrawal(
        _hash(value["withdrawal"]), _time(value["until"])
    ),
    "hold destination": lambda value, network: HoldDestination(
        script_of(value["address"], network), _time(value["until"])
    ),
    "lift holds": lambda value, _: LiftHolds(read_officer(value["officer"])),
    "approve policy": lambda value, _: ApprovePolicy(
        _hash(value["policy"]), _hash(value["replaces"]), _version(value["version"])
    ),
}


def _malformed(detail: str) -> Malformed:
    return Malformed("act-malformed", detail)
