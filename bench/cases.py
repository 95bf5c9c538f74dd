"""The vaults that are measured, and for each a PSBT to sign that stands as in a member's normal life.

1. One line of CASES is one vault. One that cannot be registered is reported with the reason.
2. Every input spends another address, below the lookahead, and carries its whole previous transaction: a
   P2WPKH payment with change.
3. The withdrawal and its coins are on record. The PSBT is the second version of it: no evidence is needed.
"""

from dataclasses import dataclass

from bench.record import OneVersion
from keystore.header import LEAST_COST, Binding, Header, Role
from keystore.sealed import OpenedKey
from keystore.secret import Secret
from keystore.vault_key import VaultKey
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.bitcoin.taproot import unspendable_xpub
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import FeeRate, Height, Sats
from signer.core.approve import approve
from signer.core.construct import Constructed, Funding, WithdrawalRequest, construct_withdrawal
from signer.core.drafts import OfferedCoin
from signer.core.evidence import Authorized, CoinTerms, Statement, authorize
from signer.core.payment import PaymentClaim, WithdrawalTerms
from signer.core.question import ask
from signer.core.registry import VaultRegistry
from signer.core.vault import CHANGE, RECEIVE, Vault, VaultDefinition, register
from tests.federation import WATCHERS, Member

NOW = 1_800_000_000
SATS = 300_000
RATE = FeeRate(2_000)
LOOKAHEAD = 1_000
USER_SCRIPT = b"\x00\x14" + b"\x22" * 20
WITHDRAWAL_ID = sha256(b"bench")
_UNSPENDABLE = unspendable_xpub().text(REGTEST)


def _places(first: int, members: int, branches: str = "**") -> str:
    return ",".join(f"@{place}/{branches}" for place in range(first, first + members))


@dataclass(frozen=True)
class Case:
    """A vault to measure."""

    name: str
    template: str
    members: int
    counts: tuple[int, ...] = (1, 10, 100, 500)
    """Inputs."""

    @property
    def is_taproot(self) -> bool:
        return self.template.startswith("tr(")

    @property
    def federation(self) -> tuple[Member, ...]:
        """The first is the one that signs."""
        return tuple(Member(f"{self.name} {place}") for place in range(self.members))

    @property
    def keys(self) -> tuple[str, ...]:
        texts = tuple(member.key_text for member in self.federation)
        return (_UNSPENDABLE, *texts) if self.is_taproot else texts

    @property
    def definition(self) -> VaultDefinition:
        return VaultDefinition(self.name, self.template, self.keys, LOOKAHEAD)


CASES = (
    Case("wsh-2of3", f"wsh(sortedmulti(2,{_places(0, 3)}))", 3),
    Case("wsh-11of15", f"wsh(sortedmulti(11,{_places(0, 15)}))", 15, (1, 10, 100, 250)),
    Case("tr-multi_a-2of3", f"tr(@0/**,multi_a(2,{_places(1, 3)}))", 3),
    Case(
        "wsh-miniscript",
        f"wsh(or_d(multi(2,{_places(0, 3)}),"
        f"and_v(v:older(144),multi(1,{_places(0, 3, '<2;3>/*')}))))",
        3,
    ),
)

_POLICY = """
format = "pegwarden-policy/1"
name = "bench"
version = 1
network = "regtest"

[vaults.{name}]
template = "{template}"
keys = [{keys}]
lookahead = {lookahead}
coins = "attested(2, watchers)"
weaker_after = 144

[groups]
watchers = [{watchers}]

[[allow]]
spend = "withdrawal"
from = "{name}"
when = "and(attested(2, watchers), fee_rate_between(1 sat/vB, 500 sat/vB), fee_at_most(0.02 BTC), \
payment_at_most(2 BTC), outflow_at_most(24h, 50 BTC))"
"""


def _policy(case: Case) -> LoadedPolicy:
    text = _POLICY.format(
        name=case.name,
        template=case.template,
        keys=",".join(f'"{key}"' for key in case.keys),
        lookahead=LOOKAHEAD,
        watchers=",".join(f'"{watcher.key.hex()}"' for watcher in WATCHERS),
    )
    return load_policy(text.encode())


@dataclass(frozen=True)
class Signer:
    """The member that signs, with its vault open."""

    case: Case
    vault: Vault
    registry: VaultRegistry
    policy: LoadedPolicy
    key: VaultKey
    ours: tuple[int, ...]


@dataclass(frozen=True)
class Request:
    """A PSBT to sign, and the record that knows its first version."""

    member: Signer
    inputs: int
    psbt: bytes
    payments: tuple[PaymentClaim, ...]
    view: OneVersion


def open_member(case: Case) -> Signer:
    """Raises Refusal or Malformed where the vault cannot be registered."""
    vault = register(case.definition, REGTEST)
    registry = VaultRegistry((vault,))
    registry.cover(vault, RECEIVE, 0)
    registry.cover(vault, CHANGE, 0)
    signer = case.federation[0]
    binding = Binding(vault.fingerprint, bytes(32), bytes(32))
    header = Header(Role.VAULT, REGTEST, signer.key_text, bytes(32), bytes(12), LEAST_COST, binding)
    seed = Secret(signer.name.encode().ljust(32, b"\x07"))
    key = VaultKey(OpenedKey(header, seed))
    return Signer(case, vault, registry, _policy(case), key, vault.positions_of(key.xpub))


def first_request(member: Signer, inputs: int) -> Request:
    """The first version of a withdrawal from that many coins; nothing is on record."""
    return _version(member, inputs, 1, OneVersion(None))


def second_request(member: Signer, inputs: int, view: OneVersion) -> Request:
    """The second version, with the first on that record."""
    return _version(member, inputs, 2, view)


def _version(member: Signer, inputs: int, height: int, view: OneVersion) -> Request:
    coins, terms = _coins_and_terms(member, inputs)
    built = _construct(member, coins, terms, height)
    return Request(member, inputs, built.psbt_bytes, (PaymentClaim(terms.withdrawal_id, 0),), view)


def _coins_and_terms(
    member: Signer, inputs: int
) -> tuple[tuple[OfferedCoin, ...], WithdrawalTerms]:
    coins = tuple(_coin(member.vault, index) for index in range(inputs))
    return coins, WithdrawalTerms(WITHDRAWAL_ID, Sats(SATS * inputs * 8 // 10), USER_SCRIPT)


def request(member: Signer, inputs: int) -> Request:
    """The second version of a withdrawal from that many coins, the first on record."""
    coins, terms = _coins_and_terms(member, inputs)
    seen = tuple(_terms(member.vault, coin) for coin in coins)
    authorized = _authorized(member, ((terms,), seen))
    first = _construct(member, coins, terms, 1).spend
    approved = approve(ask(first, authorized, OneVersion(None), NOW), member.policy)
    return second_request(member, inputs, OneVersion(approved))


def _authorized(member: Signer, said: tuple[tuple[Statement, ...], ...]) -> Authorized:
    realm = member.vault.realm
    words = tuple(watcher.attest(realm, NOW + 600, *each) for watcher in WATCHERS for each in said)
    return authorize(words, realm, member.policy.attestors)


def _construct(
    member: Signer, coins: tuple[OfferedCoin, ...], terms: WithdrawalTerms, height: int
) -> Constructed:
    required = frozenset(coin.outpoint for coin in coins)
    funding = Funding(member.vault, coins, 0, RATE, required, locktime=height)
    return construct_withdrawal(WithdrawalRequest(funding, (terms,)), member.registry)


def _coin(vault: Vault, index: int) -> OfferedCoin:
    script = vault.script(RECEIVE, index).script_pubkey
    spent = OutPoint(Txid(sha256(b"bench %d" % index)), 0)
    outputs = (TxOut(Sats(5_000_000), b"\x00\x14" + b"\x11" * 20), TxOut(Sats(SATS), script))
    witness = (b"\x30" * 72, b"\x02" * 33)
    previous = Transaction(2, (TxIn(spent, b"", 0xFFFFFFFD),), outputs, 0, (witness,))
    return OfferedCoin(previous.serialize(), OutPoint(previous.txid, 1), Sats(SATS), RECEIVE, index)


def _terms(vault: Vault, coin: OfferedCoin) -> CoinTerms:
    script = vault.script(RECEIVE, coin.index).script_pubkey
    return CoinTerms(coin.outpoint, Sats(SATS), Height(100), script)
