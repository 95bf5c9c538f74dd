"""A whole bridge in one process: three kernels, a P2WSH and a Taproot vault, two rollups.

Everything goes in as request bytes, as a thief would send them.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from google.protobuf.message import Message

from keystore.derive import derive_account
from keystore.header import LEAST_COST, Binding, Role
from keystore.identity import Identity, new_identity
from keystore.sealed import KeyFile, Label, bind, create, open_sealed, seal
from keystore.secret import Secret
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from policies.load import load_policy
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.model import Pair
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_maps
from signer.bitcoin.transaction import Transaction, TxOut
from signer.bitcoin.units import Sats
from signer.compose import due_steps
from signer.consensus import CoreConsensusGate
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Refusal
from signer.core.evidence import AnchorTerms, CoinTerms, Statement, SweepTerms
from signer.core.payment import WithdrawalTerms
from signer.core.registry import VaultRegistry
from signer.core.vault import Vault, VaultDefinition, register
from signer.handle import Handler
from signer.journal.budget import DEFAULT_BUDGET, CallerBudget
from signer.journal.entry import GenesisEntry
from signer.journal.journal import Journal, JournalSetting
from signer.journal.store import create_journal
from signer.kernel import Build, Kernel
from signer.member_files import shelf_of
from tests import federation
from tests.core.spends import NOW, USER_SCRIPT, Coin, withdrawal_id
from tests.kernel.room import PASSPHRASE, ManualClock, Running
from tests.keystore.opening import open_files

MAIN, GAMES = b"PGWD", b"GAME"
DELAY = 144
PRIMARY, RECOVERY = 0, 1
_MADE: dict[tuple[int, bytes], dict[str, bytes]] = {}


def _taproot() -> VaultDefinition:
    """2-of-3; one of the first two members alone after DELAY blocks. Keys of its own."""
    base = federation.taproot_definition(DELAY, first=3)
    return replace(base, template=base.template.replace(",@3/<2;3>/*", ""))


PEG = federation.vault()
TAP = register(_taproot(), REGTEST)
VAULTS = (PEG, TAP)


def policy_text(when: str = "attested(2, watchers)") -> bytes:
    """The policy of all kernels; `when` is asked besides of each withdrawal from `peg`."""
    vaults = "".join(_vault_text(each) for each in (federation.definition(), _taproot()))
    watchers = ", ".join(f'"{watcher.key.hex()}"' for watcher in federation.WATCHERS)
    routes = (
        (
            "withdrawal",
            "peg",
            "",
            f"and({when}, fee_at_most(0.01 BTC), outflow_at_most(24h, 10 BTC))",
        ),
        ("withdrawal", "tap", "", "and(attested(2, watchers), outflow_at_most(24h, 10 BTC))"),
        (
            "anchor",
            "peg",
            "",
            "and(attested(2, watchers), anchor_extends(), fee_at_most(0.001 BTC))",
        ),
        ("anchor", "tap", "", "and(attested(2, watchers), anchor_extends())"),
        ("sweep", "peg", "peg", "attested(2, watchers)"),
        ("rotation", "peg", "tap", "attested(3, watchers)"),
        (
            "sweep",
            "tap",
            "tap",
            "or(and(path(primary), attested(2, watchers)), attested(3, watchers))",
        ),
    )
    blocks = "".join(
        f'[[allow]]\nspend = "{kind}"\nfrom = "{vault}"\n'
        + (f'to = "{to}"\n' if to else "")
        + f'when = "{rule}"\n\n'
        for kind, vault, to, rule in routes
    )
    return f"""format = "pegwarden-policy/1"
name = "bridge-under-attack"
version = 1
network = "regtest"

{vaults}[rollups.main]
magic = "{MAIN.hex()}"
first_batch = 1
sequence = "contiguous"

[rollups.games]
magic = "{GAMES.hex()}"
first_batch = 1000
sequence = "increasing"

[groups]
watchers = [{watchers}]

{blocks}""".encode()


def _vault_text(definition: VaultDefinition) -> str:
    keys = ", ".join(f'"{key}"' for key in definition.keys)
    weaker = f"weaker_after = {DELAY}\n" if definition.template.startswith("tr(") else ""
    return (
        f'[vaults.{definition.vault_id}]\ntemplate = "{definition.template}"\nkeys = [{keys}]\n'
        f'lookahead = 20\ncoins = "attested(2, watchers)"\n{weaker}\n'
    )


@dataclass
class Guard:
    """A member's directory: an identity, a key for each vault, a journal."""

    folder: Path
    number: int
    policy: bytes = field(default_factory=policy_text)
    clock: ManualClock = field(default_factory=ManualClock)
    budget: CallerBudget = DEFAULT_BUDGET

    def init(self) -> "Guard":
        """What `pegwarden init` and `key bind` do; the costly files are made once per process."""
        self.folder.mkdir()
        made = _MADE.get((self.number, self.policy))
        if made is None:
            self._make()
            made = {path.name: path.read_bytes() for path in self.folder.iterdir()}
            _MADE[self.number, self.policy] = made
            return self
        for name, content in made.items():
            (self.folder / name).write_bytes(content)
            (self.folder / name).chmod(0o600)
        return self

    def file(self, name: str) -> KeyFile:
        return KeyFile(self.folder / f"{name}.key", Secret(PASSPHRASE))

    def _make(self) -> None:
        identity, _, _ = new_identity(REGTEST, Secret(PASSPHRASE), LEAST_COST)
        create(self.folder / "identity.key", identity)
        leaf = self.new_journal(salt=self.number)
        policy = load_policy(self.policy)
        for vault, first in ((PEG, 0), (TAP, 3)):
            seed = federation.MEMBERS[first + self.number].name.encode().ljust(32, b"\x07")
            with Secret(seed) as secret:
                origin, account = derive_account(secret, REGTEST)
                text = f"{origin}{account.public.text(REGTEST)}"
                label = Label(Role.VAULT, REGTEST, text, None, LEAST_COST)
                path = self.folder / f"{vault.vault_id}.key"
                create(path, seal(secret, label, Secret(PASSPHRASE)))
            bind(self.file(vault.vault_id), Binding(vault.fingerprint, policy.policy_id, leaf))

    def new_journal(self, salt: int) -> bytes:
        """An empty journal in the folder; its first leaf."""
        signer = Identity(open_sealed(self.file("identity")))
        policy = load_policy(self.policy)
        genesis = GenesisEntry(
            clock=self.clock.now(),
            network=REGTEST.name,
            genesis_hash=REGTEST.genesis_hash,
            policy_id=policy.policy_id,
            vaults=tuple(vault.fingerprint for vault in policy.vaults),
            log_key=signer.log_key,
            statement_key=signer.statement_key,
            salt=bytes([salt]) * 16,
        )
        return create_journal(self.folder / "journal.sqlite", genesis, signer)

    def start(self) -> Running:
        """What `pegwarden serve` puts together."""
        policy = load_policy(self.policy)
        registry = VaultRegistry(policy.vaults)
        keys = open_files(self.file("identity"), (self.file("peg"), self.file("tap")))
        setting = JournalSetting(keys, self.clock, keys.first_leaf, self.budget, due=due_steps)
        journal = Journal(self.folder / "journal.sqlite", setting)
        with journal.reading() as view:
            for vault in registry.all():
                for branch in (0, 1):
                    registry.cover(vault, branch, view.next_index(vault.fingerprint, branch))
        build = Build("test", bytes(32), bytes(32))
        kernel = Kernel(build, REGTEST, shelf_of(policy), registry, keys, journal)
        return Running(Handler(kernel, CoreConsensusGate()), journal, keys)


def coin(number: int, vault: Vault = PEG, amount: int = 100_000_000) -> Coin:
    """A coin of the vault, each number another one."""
    return Coin(vault=vault, amount=amount, index=number % 20, salt=number)


def offered(each: Coin) -> pb.OfferedCoin:
    return pb.OfferedCoin(
        outpoint=t.OutPoint(txid=each.outpoint.txid, vout=each.outpoint.vout),
        amount_sat=each.amount,
        branch=t.BRANCH_RECEIVE if each.branch == 0 else t.BRANCH_CHANGE,
        index=each.index,
        previous_tx=each.previous.serialize(),
    )


Payments = tuple[tuple[int, int], ...]
"""(number of the withdrawal, satoshi)."""


def message_of(
    watcher: federation.Watcher, vault: Vault, expiry: int, *said: Statement
) -> t.Attestation:
    """One signature over these statements."""
    word = watcher.attest(vault.realm, expiry, *said)
    message = t.Attestation(
        attestor=word.attestor, expiry_unix=word.expiry, signature=word.signature
    )
    for each in said:
        match each:
            case WithdrawalTerms(number, amount, script):
                message.withdrawals.add(
                    withdrawal_id=number, amount_sat=amount, script_pubkey=script
                )
            case CoinTerms(outpoint, amount, height, script):
                message.coins.add(
                    outpoint=t.OutPoint(txid=outpoint.txid, vout=outpoint.vout),
                    amount_sat=amount,
                    confirmed_height=height,
                    script_pubkey=script,
                )
            case AnchorTerms(magic, previous, previous_root, batch, root, eth_tx_hash):
                message.anchors.add(
                    magic=magic,
                    previous_batch_id=previous,
                    previous_state_root=previous_root,
                    batch_id=batch,
                    state_root=root,
                    eth_tx_hash=eth_tx_hash,
                )
            case SweepTerms(kind, to, path, max_fee, nonce):
                message.sweeps.add(
                    kind=kind,  # type: ignore[arg-type]
                    to_vault_fingerprint=to,
                    path_index=path,
                    max_fee_sat=max_fee,
                    nonce=nonce,
                )
    return message


def words(
    *statements: Statement, vault: Vault = PEG, watchers: int = 2, now: int = NOW
) -> list[t.Attestation]:
    """The first watchers' word for each statement."""
    return [
        message_of(watcher, vault, now + 1_800, each)
        for watcher in federation.WATCHERS[:watchers]
        for each in statements
    ]


def owed(number: int, amount: int, script: bytes = USER_SCRIPT) -> WithdrawalTerms:
    return WithdrawalTerms(withdrawal_id(number), Sats(amount), script)  # type: ignore[arg-type]


def root(number: int) -> bytes:
    return bytes([number]) * 32


def batch(number: int, magic: bytes = MAIN, state_root: bytes | None = None) -> AnchorTerms:
    """Batch `number` behind the one before it; batch 1 is the first of MAIN."""
    first = number == (1 if magic == MAIN else 1_000)
    previous = bytes(32) if first else root((number - 1) % 250 + 1)
    said = root(number % 250 + 1) if state_root is None else state_root
    return AnchorTerms(magic, number - 1, previous, number, said, b"\x22" * 32)


def moving(
    nonce: int, kind: int = 1, to: Vault = PEG, path: int = PRIMARY, fee: int = 100_000
) -> SweepTerms:
    return SweepTerms(kind, to.fingerprint, path, Sats(fee), bytes([nonce]) * 16)


def request(
    psbt: bytes,
    evidence: list[t.Attestation],
    claims: tuple[t.PaymentClaim, ...] = (),
    vault: Vault = PEG,
) -> pb.SignPsbtRequest:
    return pb.SignPsbtRequest(
        vault_id=vault.vault_id, psbt=psbt, payments=claims, attestations=evidence
    )


def claim(number: int, vout: int) -> t.PaymentClaim:
    return t.PaymentClaim(withdrawal_id=withdrawal_id(number), vout=vout)


def build_withdrawal(
    kernel: Running, coins: tuple[Coin, ...], payments: Payments, **more: object
) -> pb.ConstructWithdrawalTxResponse:
    """All the coins are spent."""
    asked = pb.ConstructWithdrawalTxRequest(
        vault_id=coins[0].vault.vault_id,
        payments=[
            pb.WithdrawalPayment(
                withdrawal_id=withdrawal_id(number),
                address=address_of(USER_SCRIPT, REGTEST),
                amount_sat=amount,
            )
            for number, amount in payments
        ],
        coins=[offered(each) for each in coins],
        required_inputs=[offered(each).outpoint for each in coins],
        fee_rate_sat_per_kvb=2_000,
        **more,  # type: ignore[arg-type]
    )
    return kernel.construct(asked)


def pay(
    kernel: Running, coins: tuple[Coin, ...], payments: Payments, now: int = NOW, **more: object
) -> pb.SignPsbtRequest:
    """The honest request: these withdrawals from all these coins, attested."""
    vault = coins[0].vault
    built = build_withdrawal(kernel, coins, payments, **more)
    said: list[Statement] = [owed(number, amount) for number, amount in payments]
    evidence = words(*said, *(each.terms for each in coins), vault=vault, now=now)
    return request(built.psbt, evidence, tuple(built.payments), vault)


def anchor(kernel: Running, each: Coin, said: AnchorTerms) -> pb.SignPsbtRequest:
    """The honest request: that batch from that coin, attested."""
    asked = pb.ConstructAnchorTxRequest(
        vault_id=each.vault.vault_id,
        magic=said.magic,
        batch_id=said.batch,
        state_root=said.root,
        eth_tx_hash=said.eth_tx_hash,
        coins=[offered(each)],
        fee_rate_sat_per_kvb=2_000,
    )
    built = pb.ConstructAnchorTxResponse.FromString(kernel.call("ConstructAnchorTx", asked))
    return request(built.psbt, words(said, each.terms, vault=each.vault), (), each.vault)


def build_sweep(
    kernel: Running, coins: tuple[Coin, ...], to: Vault, path: int = PRIMARY
) -> pb.ConstructSweepTxResponse:
    asked = pb.ConstructSweepTxRequest(
        vault_id=coins[0].vault.vault_id,
        to_vault_id=to.vault_id,
        coins=[offered(each) for each in coins],
        path_index=path,
        fee_rate_sat_per_kvb=2_000,
    )
    return pb.ConstructSweepTxResponse.FromString(kernel.call("ConstructSweepTx", asked))


def sweep(
    kernel: Running, coins: tuple[Coin, ...], said: SweepTerms, watchers: int = 3
) -> pb.SignPsbtRequest:
    """The honest request: these coins to where the statement says, attested."""
    vault = coins[0].vault
    to = next(each for each in VAULTS if each.fingerprint == said.to_fingerprint)
    built = build_sweep(kernel, coins, to, said.path)
    evidence = words(said, *(each.terms for each in coins), vault=vault, watchers=watchers)
    return request(built.psbt, evidence, (), vault)


def with_evidence(asked: pb.SignPsbtRequest, evidence: list[t.Attestation]) -> pb.SignPsbtRequest:
    """The twin that differs in what the attestors said."""
    changed = pb.SignPsbtRequest.FromString(asked.SerializeToString())
    del changed.attestations[:]
    changed.attestations.extend(evidence)
    return changed


def with_psbt(asked: pb.SignPsbtRequest, psbt: bytes) -> pb.SignPsbtRequest:
    """The twin that differs in the PSBT."""
    changed = pb.SignPsbtRequest.FromString(asked.SerializeToString())
    changed.psbt = psbt
    return changed


@dataclass(frozen=True)
class Maps:
    """A PSBT as its maps of pairs; map 0 is the global one, then inputs, then outputs."""

    maps: tuple[tuple[Pair, ...], ...]

    @property
    def transaction(self) -> Transaction:
        return parse_psbt(self.psbt).transaction

    @property
    def psbt(self) -> bytes:
        return serialize_maps(self.maps)

    def but(self, number: int, pairs: tuple[Pair, ...]) -> "Maps":
        return Maps((*self.maps[:number], tuple(sorted(pairs)), *self.maps[number + 1 :]))

    def plus(self, number: int, *pairs: Pair) -> "Maps":
        return self.but(number, (*self.maps[number], *pairs))

    def without(self, number: int, kind: bytes) -> "Maps":
        return self.but(number, tuple(each for each in self.maps[number] if each[0][:1] != kind))

    def pairs(self, number: int, kind: bytes) -> list[Pair]:
        return [each for each in self.maps[number] if each[0][:1] == kind]

    def with_transaction(self, **changes: object) -> "Maps":
        changed = replace(self.transaction, **changes)  # type: ignore[arg-type]
        others = tuple(each for each in self.maps[0] if each[0] != fields.GLOBAL_UNSIGNED_TX)
        return self.but(0, (*others, (fields.GLOBAL_UNSIGNED_TX, changed.serialize())))

    def with_output(self, txout: TxOut, taken_from: int, *pairs: Pair) -> "Maps":
        """With one more output, its amount taken from output `taken_from`."""
        outputs = list(self.transaction.outputs)
        rest = Sats(outputs[taken_from].amount - txout.amount)
        outputs[taken_from] = outputs[taken_from]._replace(amount=rest)
        longer = Maps((*self.maps, tuple(sorted(pairs))))
        body = replace(self.transaction, outputs=(*outputs, txout)).serialize()
        maps = (((fields.GLOBAL_UNSIGNED_TX, body),), *longer.maps[1:])
        return Maps(maps)


def maps_of(psbt: bytes) -> Maps:
    parsed = parse_psbt(psbt)
    inputs, outputs = (
        (each.pairs for each in parsed.inputs),
        (each.pairs for each in parsed.outputs),
    )
    return Maps((parsed.global_pairs, *inputs, *outputs))


def refused(kernel: Running, asked: Message, method: str = "SignPsbt") -> str:
    """The code with which the kernel says no; the test fails when it does not."""
    with pytest.raises(Refusal) as caught:
        kernel.call(method, asked)
    assert caught.value.code in CATALOGUE
    return caught.value.code


def extracted(kernel: Running, psbts: list[bytes], vault: Vault = PEG) -> pb.ExtractTxResponse:
    asked = pb.ExtractTxRequest(vault_id=vault.vault_id, psbts=psbts)
    return pb.ExtractTxResponse.FromString(kernel.call("ExtractTx", asked))
