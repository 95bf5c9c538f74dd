"""Three whole kernels in one process: real policy, journals on disk, sealed keys, consensus gate."""

from dataclasses import dataclass, field
from pathlib import Path

from keystore.derive import derive_account
from keystore.file_keystore import FileKeystore
from keystore.header import LEAST_COST, Binding, Role
from keystore.identity import Identity, new_identity
from keystore.ledger import ledger_files
from keystore.sealed import KeyFile, Label, bind, create, open_sealed, seal
from keystore.secret import Secret
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from policies.load import load_policy
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.charged import Counting
from signer.compose import due_steps
from signer.consensus import CoreConsensusGate
from signer.core.caller import Caller
from signer.core.caller import Role as CallerRole
from signer.core.evidence import Attestation, CoinTerms
from signer.core.payment import WithdrawalTerms
from signer.core.registry import VaultRegistry
from signer.handle import Handler
from signer.journal.copies import copy_journal
from signer.journal.entry import GenesisEntry
from signer.journal.header_chain import ChainSetting
from signer.journal.journal import Journal, JournalSetting
from signer.journal.place import Place
from signer.journal.store import create_journal, store_at
from signer.journal.undone import record_undone
from signer.kernel import Build, Kernel
from signer.member_files import shelf_of
from tests import federation
from tests.core.spends import NOW, USER_SCRIPT, Coin, withdrawal_id
from tests.keystore.opening import open_files

RELAYER = Caller("relayer-1", frozenset({CallerRole.RELAYER}))
PASSPHRASE = b"correct horse"
_MADE: dict[tuple[int, bytes], dict[str, bytes]] = {}


def policy_text(**changes: str) -> bytes:
    """The policy of these kernels; `when=` may be changed, `groups=` and `more=` (tables) added."""
    definition = federation.definition()
    keys = ", ".join(f'"{key}"' for key in definition.keys)
    watchers = ", ".join(f'"{watcher.key.hex()}"' for watcher in federation.WATCHERS)
    when = changes.get(
        "when",
        "and(attested(2, watchers), fee_at_most(0.01 BTC), outflow_at_most(24h, 2 BTC))",
    )
    return f"""format  = "pegwarden-policy/1"
name    = "test-federation"
version = 1
network = "regtest"

[vaults.peg]
template = "{definition.template}"
keys     = [{keys}]
lookahead = 20
coins    = "attested(2, watchers)"

[rollups.main]
magic = "50475744"
first_batch = 1
sequence = "contiguous"

[groups]
watchers = [{watchers}]
{changes.get("groups", "")}

[[allow]]
spend = "withdrawal"
from  = "peg"
when  = "{when}"
{changes.get("more", "")}
""".encode()


@dataclass
class ManualClock:
    """A clock that tests set."""

    moment: int = NOW

    def now(self) -> int:
        return self.moment


@dataclass
class Member:
    """A member's directory and, while it runs, its kernel."""

    folder: Path
    number: int
    policy: bytes = field(default_factory=policy_text)
    clock: ManualClock = field(default_factory=ManualClock)
    place: Place | None = None
    """Where its journal is, if not in its folder."""
    head_name: str = ""
    """Of its head file; empty for none."""
    chain: ChainSetting | None = None
    """Whose headers it takes; None: it sees no chain."""

    @property
    def journal(self) -> Place:
        return self.place or self.folder / "journal.sqlite"

    def init(self) -> "Member":
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

    def _make(self) -> None:
        self.make_vault_key()
        identity, _, _ = new_identity(REGTEST, Secret(PASSPHRASE), LEAST_COST)
        create(self.folder / "identity.key", identity)
        signer = Identity(open_sealed(self._file("identity")))
        policy = load_policy(self.policy)
        genesis = GenesisEntry(
            clock=self.clock.now(),
            network=REGTEST.name,
            genesis_hash=REGTEST.genesis_hash,
            policy_id=policy.policy_id,
            vaults=tuple(vault.fingerprint for vault in policy.vaults),
            log_key=signer.log_key,
            statement_key=signer.statement_key,
            salt=bytes([self.number]) * 16,
        )
        leaf = create_journal(self.folder / "journal.sqlite", genesis, signer)
        fingerprint = policy.vaults[0].fingerprint
        bind(self._file("vault"), Binding(fingerprint, policy.policy_id, leaf))

    def make_vault_key(self) -> None:
        seed = federation.MEMBERS[self.number].name.encode().ljust(32, b"\x07")
        with Secret(seed) as secret:
            origin, account = derive_account(secret, REGTEST)
            text = f"{origin}{account.public.text(REGTEST)}"
            label = Label(Role.VAULT, REGTEST, text, None, LEAST_COST)
            create(self.folder / "vault.key", seal(secret, label, Secret(PASSPHRASE)))

    def _file(self, name: str) -> KeyFile:
        return KeyFile(self.folder / f"{name}.key", Secret(PASSPHRASE))

    def start_keystore(self) -> FileKeystore:
        """With its ledgers."""
        keystore = open_files(self._file("identity"), (self._file("vault"),))
        keystore.open_ledgers(ledger_files(self.folder / "ledgers"))
        return keystore

    def start(self) -> "Running":
        """What `pegwarden serve` puts together."""
        policy = load_policy(self.policy)
        registry = VaultRegistry(policy.vaults)
        keystore = self.start_keystore()
        if not store_at(self.journal).exists():
            copy_journal(self.folder / "journal.sqlite", self.journal)
        journal = Journal(
            self.journal,
            JournalSetting(
                signer=keystore,
                clock=self.clock,
                expected_first_leaf=keystore.first_leaf,
                due=due_steps,
                head_file=self.folder / self.head_name if self.head_name else None,
                chain=self.chain,
                on_changed=record_undone,
            ),
        )
        with journal.reading() as view:
            for vault in registry.all():
                for branch in (0, 1):
                    registry.cover(vault, branch, view.next_index(vault.fingerprint, branch))
        build = Build("test", bytes(32), bytes(32))
        shelf = shelf_of(policy)
        counting = Counting(keystore, journal)
        kernel = Kernel(build, REGTEST, shelf, registry, keystore, journal, count=counting)
        return Running(Handler(kernel, CoreConsensusGate(), journal.headers), journal, keystore)


@dataclass
class Running:
    """A kernel that serves."""

    handler: Handler
    journal: Journal
    keystore: FileKeystore

    def stop(self) -> None:
        self.journal.close()
        self.keystore.close()

    def call(self, method: str, request: object, caller: Caller = RELAYER) -> bytes:
        return self.handler.handle(method, caller, request.SerializeToString())  # type: ignore[attr-defined]

    def info(self) -> pb.GetInfoResponse:
        return pb.GetInfoResponse.FromString(self.call("GetInfo", pb.GetInfoRequest()))

    def construct(
        self, request: pb.ConstructWithdrawalTxRequest
    ) -> pb.ConstructWithdrawalTxResponse:
        return pb.ConstructWithdrawalTxResponse.FromString(
            self.call("ConstructWithdrawalTx", request)
        )

    def sign(self, request: pb.SignPsbtRequest) -> pb.SignPsbtResponse:
        return pb.SignPsbtResponse.FromString(self.call("SignPsbt", request))

    def explain(self, request: pb.SignPsbtRequest) -> pb.ExplainPsbtResponse:
        asked = pb.ExplainPsbtRequest(
            vault_id=request.vault_id,
            psbt=request.psbt,
            payments=request.payments,
            attestations=request.attestations,
        )
        return pb.ExplainPsbtResponse.FromString(self.call("ExplainPsbt", asked))


def construct_request(
    coins: tuple[Coin, ...],
    payments: tuple[tuple[int, int], ...] = ((1, 60_000_000),),
    **more: object,
) -> pb.ConstructWithdrawalTxRequest:
    """Pay withdrawals (number, amount) from coins."""
    return pb.ConstructWithdrawalTxRequest(
        vault_id="peg",
        payments=[
            pb.WithdrawalPayment(
                withdrawal_id=withdrawal_id(number),
                address=address_of(USER_SCRIPT, REGTEST),
                amount_sat=amount,
            )
            for number, amount in payments
        ],
        coins=[
            pb.OfferedCoin(
                outpoint=t.OutPoint(txid=coin.outpoint.txid, vout=coin.outpoint.vout),
                amount_sat=coin.amount,
                branch=t.BRANCH_RECEIVE if coin.branch == 0 else t.BRANCH_CHANGE,
                index=coin.index,
                previous_tx=coin.previous.serialize(),
            )
            for coin in coins
        ],
        fee_rate_sat_per_kvb=2_000,
        **more,  # type: ignore[arg-type]
    )


def attestation_message(attestation: Attestation) -> t.Attestation:
    message = t.Attestation(
        attestor=attestation.attestor,
        expiry_unix=attestation.expiry,
        signature=attestation.signature,
    )
    for statement in attestation.statements:
        if isinstance(statement, WithdrawalTerms):
            message.withdrawals.add(
                withdrawal_id=statement.withdrawal_id,
                amount_sat=statement.amount,
                script_pubkey=statement.script_pubkey,
            )
        else:
            assert isinstance(statement, CoinTerms)
            message.coins.add(
                outpoint=t.OutPoint(txid=statement.outpoint.txid, vout=statement.outpoint.vout),
                amount_sat=statement.amount,
                confirmed_height=statement.height,
                script_pubkey=statement.script_pubkey,
            )
    return message


def attested(
    coins: tuple[Coin, ...],
    payments: tuple[tuple[int, int], ...] = ((1, 60_000_000),),
    watchers: tuple[federation.Watcher, ...] = federation.WATCHERS[:2],
    now: int = NOW,
) -> list[t.Attestation]:
    """Each watcher's word for these withdrawals and coins."""
    realm = coins[0].vault.realm if coins else federation.vault().realm
    found = []
    for watcher in watchers:
        terms = [
            WithdrawalTerms(withdrawal_id(number), amount, USER_SCRIPT)  # type: ignore[arg-type]
            for number, amount in payments
        ]
        if terms:
            found.append(watcher.attest(realm, now + 1_800, *terms))
        if coins:
            found.append(watcher.attest(realm, now + 1_800, *(coin.terms for coin in coins)))
    return [attestation_message(each) for each in found]


def sign_request(
    built: pb.ConstructWithdrawalTxResponse, evidence: list[t.Attestation], head: str = ""
) -> pb.SignPsbtRequest:
    return pb.SignPsbtRequest(
        vault_id="peg",
        psbt=built.psbt,
        payments=built.payments,
        attestations=evidence,
        last_seen_head=head,
    )
