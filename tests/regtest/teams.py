"""Mixed teams: some members of a vault run our kernel, the others keep their key in Bitcoin Core's wallet.

Invariant: whoever of them signs what our kernel drew up, ExtractTx and Core's own combiner and finaliser make
the same transaction of it, and Core's mempool takes it.

1. Both sides hold the whole truth: kernels with policy, journal and sealed keys; wallets with the vault's
   descriptor in which one member's xpub is its xprv.
2. Everything else is drawn: coins of both branches, payments to five types of address, fee rate, change or
   none, who signs, with one signer too many or not, each from the draft or from what the last one answered.
3. Of a vault with several leaves Core's wallet signs every leaf in which it has a key, which kernels verify
   and leave aside. It may write the change's tree with siblings swapped (the same root), which no combiner
   joins with our own. So a relayer takes the outputs' fields from its draft. With one leaf, or P2WSH, Core's
   answer goes to kernels as it is.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from clients.bitcoind import MATURITY, Bitcoind
from clients.jsonrpc import JsonRpc, NodeError, to_btc
from clients.messages import attestation_message, outpoint_message
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.address import address_of, script_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.psbt.reader import parse_psbt, psbt_from_base64
from signer.bitcoin.psbt.writer import serialize_maps
from signer.bitcoin.transaction import OutPoint, Transaction, parse_transaction
from signer.bitcoin.units import Height, Sats
from signer.core.errors import Refusal
from signer.core.evidence import CoinTerms, Statement, SweepTerms
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.vault import Vault, register
from tests import federation
from tests.core.spends import NOW
from tests.kernel.room import Member, Running
from tests.regtest.mixed_vaults import (
    DELAY,
    DESTINATIONS,
    INDEXES,
    PLACES,
    TEMPLATES,
    policy_text,
    private_descriptor,
    private_wallet,
)

PRIMARY, RECOVERY = 0, 1


@dataclass(frozen=True)
class VaultCoin:
    """A confirmed coin, as it is offered and as it is attested."""

    offered: pb.OfferedCoin
    terms: CoinTerms


@dataclass(frozen=True)
class Draft:
    """What the members are asked to sign."""

    psbt: bytes
    inputs: int
    has_change: bool
    evidence: tuple[t.Attestation, ...]
    path_index: int
    payments: tuple[t.PaymentClaim, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of one transaction."""

    draft: Draft
    team: dict[int, str]
    """Member -> `wallet` or `kernel`, in the order in which they signed."""
    objection: str = ""
    """Empty: final and accepted."""

    def __str__(self) -> str:
        return f"{self.draft.inputs} inputs, signed by {self.team}: {self.objection or 'accepted'}"


@dataclass
class Company:
    """The members of one vault; each has a kernel and a wallet, and uses one of them at a time."""

    node: Bitcoind
    vault: Vault
    kernels: tuple[Running, ...]
    wallets: tuple[JsonRpc, ...]
    random: Random

    def coins(self, count: int) -> list[VaultCoin]:
        """That many, confirmed in one block, on both branches."""
        txids: list[str] = []
        miner = self.node.make_wallet("miner")
        while count:
            now = min(count, len(PLACES))
            places = self.random.sample(PLACES, now)
            shares = {
                address_of(self.vault.script(*place).script_pubkey, REGTEST): to_btc(
                    self.random.randrange(1_000_000, 20_000_000)
                )
                for place in places
            }
            txids.append(str(miner("sendmany", "", shares)))
            count -= now
        self.node.mine(1)
        found = [coin for txid in txids for coin in self._coins_of(txid)]
        self.random.shuffle(found)
        return found

    def _coins_of(self, txid: str) -> Iterator[VaultCoin]:
        places = {self.vault.script(*place).script_pubkey: place for place in PLACES}
        height = Height(int(self.node.rpc("getblockcount")))
        previous = parse_transaction(bytes.fromhex(self.node.rpc("getrawtransaction", txid)))
        for vout, txout in enumerate(previous.outputs):
            if txout.script_pubkey not in places:
                continue
            branch, index = places[txout.script_pubkey]
            outpoint = OutPoint(previous.txid, vout)
            offered = pb.OfferedCoin(
                outpoint=outpoint_message(outpoint),
                amount_sat=txout.amount,
                branch=t.BRANCH_CHANGE if branch else t.BRANCH_RECEIVE,
                index=index,
                previous_tx=previous.serialize(),
            )
            terms = CoinTerms(outpoint, txout.amount, height, txout.script_pubkey)
            yield VaultCoin(offered, terms)

    def words(self, *groups: tuple[Statement, ...]) -> tuple[t.Attestation, ...]:
        """Two watchers' word for the statements, each group of one kind."""
        return tuple(
            attestation_message(watcher.attest(self.vault.realm, NOW + 1_800, *group))
            for watcher in federation.WATCHERS[:2]
            for group in groups
        )

    def withdrawal(self, coins: list[VaultCoin]) -> Draft:
        """Payments out of all these coins, by whichever kernel."""
        owed = self._owed(sum(coin.terms.amount for coin in coins))
        request = pb.ConstructWithdrawalTxRequest(
            vault_id="peg",
            payments=owed,
            coins=[coin.offered for coin in coins],
            required_inputs=[coin.offered.outpoint for coin in coins],
            change_index=self.random.randrange(INDEXES),
            fee_rate_sat_per_kvb=self.random.choice((100, self.random.randrange(1_000, 50_000))),
        )
        kernel = self.random.choice(self.kernels)
        built = kernel.construct(request)
        if self.random.random() < 0.4:  # what would be change is paid, so that there is none
            request.payments[-1].amount_sat += built.change_amount_sat
            built = kernel.construct(request)
        statements = tuple(
            WithdrawalTerms(
                WithdrawalId(each.withdrawal_id),
                Sats(each.amount_sat),
                script_of(each.address, REGTEST),
            )
            for each in request.payments
        )
        evidence = self.words(statements, tuple(coin.terms for coin in coins))
        has_change = built.HasField("change_vout")
        payments = tuple(built.payments)
        return Draft(built.psbt, len(coins), has_change, evidence, PRIMARY, payments)

    def _owed(self, available: int) -> list[pb.WithdrawalPayment]:
        count = self.random.randint(1, 4)
        return [
            pb.WithdrawalPayment(
                withdrawal_id=self.random.randbytes(32),
                address=address_of(self.random.choice(DESTINATIONS)(self.random), REGTEST),
                amount_sat=self.random.randrange(10_000, available // (2 * count)),
            )
            for _ in range(count)
        ]

    def recovery(self, coins: list[VaultCoin]) -> Draft:
        """All these coins, which are old enough, back to the vault by the recovery path."""
        request = pb.ConstructSweepTxRequest(
            vault_id="peg",
            to_vault_id="peg",
            index=self.random.randrange(INDEXES),
            coins=[coin.offered for coin in coins],
            path_index=RECOVERY,
            fee_rate_sat_per_kvb=self.random.randrange(1_000, 50_000),
        )
        answer = self.random.choice(self.kernels).call("ConstructSweepTx", request)
        built = pb.ConstructSweepTxResponse.FromString(answer)
        nonce = self.random.randbytes(16)
        move = SweepTerms(1, self.vault.fingerprint, RECOVERY, Sats(built.fee_sat), nonce)
        evidence = self.words((move,), tuple(coin.terms for coin in coins))
        return Draft(built.psbt, len(coins), True, evidence, RECOVERY)

    def team(self, path_index: int) -> dict[int, str]:
        """Who signs, in which order, with what: of two or more at least one each."""
        least = self.vault.paths[path_index].threshold
        size = min(len(self.kernels), least + self.random.choice((0, 0, 1)))
        members = self.random.sample(range(len(self.kernels)), size)
        wallets = self.random.randint(1, size - 1) if size > 1 else self.random.randint(0, 1)
        means = ["wallet"] * wallets + ["kernel"] * (size - wallets)
        self.random.shuffle(means)
        return dict(zip(members, means, strict=True))

    def conclude(self, draft: Draft) -> Outcome:
        """A team signs; we extract, Core finalises, and its mempool sees both."""
        team = self.team(draft.path_index)
        try:
            answers = self._sign(draft, team)
            ours, theirs = self._extracted(draft, answers), self._finalised(answers)
        except (Refusal, NodeError) as error:
            return Outcome(draft, team, str(error))
        if ours is None or theirs is None:
            return Outcome(draft, team, f"incomplete: ours {ours is None}, Core's {theirs is None}")
        if ours.txid != theirs.txid:
            return Outcome(draft, team, "the txids differ")
        spare = len(team) > self.vault.paths[draft.path_index].threshold
        if ours != theirs and not spare:  # of signatures to spare each side leaves out others
            return Outcome(draft, team, "the witnesses differ")
        raws = sorted({ours.serialize().hex(), theirs.serialize().hex()})
        return Outcome(draft, team, "; ".join(self._refusals(raws)))

    def _sign(self, draft: Draft, team: dict[int, str]) -> list[bytes]:
        """Each one's answer, as it came."""
        handed_on = self.random.random() < 0.5
        answers, seen = [], draft.psbt
        for member, means in team.items():
            ask = self._kernel_signs if means == "kernel" else self._wallet_signs
            answers.append(ask(member, seen, draft))
            seen = answers[-1] if handed_on else draft.psbt
        return answers

    def _kernel_signs(self, member: int, psbt: bytes, draft: Draft) -> bytes:
        request = pb.SignPsbtRequest(
            vault_id="peg",
            psbt=self._for_kernels(psbt, draft),
            payments=draft.payments,
            attestations=draft.evidence,
        )
        answer = self.kernels[member].sign(request)
        assert answer.signatures == draft.inputs
        return answer.psbt

    def _wallet_signs(self, member: int, psbt: bytes, _: Draft) -> bytes:
        """By walletprocesspsbt: sign, of the default type, with derivations, not finalised."""
        text = b64encode(psbt).decode()
        answer = self.wallets[member]("walletprocesspsbt", text, True, "DEFAULT", True, False)
        return psbt_from_base64(answer["psbt"])

    def _for_kernels(self, answer: bytes, draft: Draft) -> bytes:
        """Rule 3."""
        if len(self.vault.script(*PLACES[0]).leaves) < 2:
            return answer
        psbt, drafted = parse_psbt(answer), parse_psbt(draft.psbt)
        inputs = (each.pairs for each in psbt.inputs)
        return serialize_maps(
            [psbt.global_pairs, *inputs, *(each.pairs for each in drafted.outputs)]
        )

    def _extracted(self, draft: Draft, answers: list[bytes]) -> Transaction | None:
        """By ExtractTx of whichever kernel."""
        psbts = [self._for_kernels(answer, draft) for answer in answers]
        request = pb.ExtractTxRequest(vault_id="peg", psbts=psbts)
        answer = self.random.choice(self.kernels).call("ExtractTx", request)
        done = pb.ExtractTxResponse.FromString(answer)
        return parse_transaction(done.transaction) if done.complete else None

    def _finalised(self, answers: list[bytes]) -> Transaction | None:
        """By Core's combinepsbt and finalizepsbt, of the answers as they came."""
        combined = self.node.rpc("combinepsbt", [b64encode(each).decode() for each in answers])
        done = self.node.rpc("finalizepsbt", combined)
        return parse_transaction(bytes.fromhex(done["hex"])) if done["complete"] else None

    def _refusals(self, raws: list[str]) -> Iterator[str]:
        for raw in raws:
            verdict = self.node.rpc("testmempoolaccept", [raw])[0]
            if not verdict["allowed"]:
                yield str(verdict["reject-reason"])


@contextmanager
def company(directory: Path, node: Bitcoind, name: str, seed: int) -> Iterator[Company]:
    """Serving members of the vault of that template; the kernels are stopped at the end."""
    definition = TEMPLATES[name]
    vault = register(definition, REGTEST)
    policy = policy_text(definition)
    directory.mkdir(parents=True)
    if not node.make_wallet("miner")("getbalances")["mine"]["trusted"]:
        node.mine(MATURITY + 5)
    with ExitStack() as opened:
        kernels = []
        for number in range(vault.members):
            kernels.append(Member(directory / str(number), number, policy).init().start())
            opened.callback(kernels[-1].stop)
        wallets = [
            private_wallet(
                node, f"{name}-{number}", private_descriptor(vault, federation.MEMBERS[number])
            )
            for number in range(vault.members)
        ]
        yield Company(node, vault, tuple(kernels), tuple(wallets), Random(f"{seed}-{name}"))


def withdrawals(members: Company, count: int) -> Iterator[Outcome]:
    """So many, each from coins of its own."""
    sizes = [members.random.randint(1, 6) for _ in range(count)]
    coins = members.coins(sum(sizes))
    for size in sizes:
        yield members.conclude(members.withdrawal([coins.pop() for _ in range(size)]))


def recoveries(members: Company, count: int) -> Iterator[Outcome]:
    """So many by the recovery path, once the coins are old enough."""
    sizes = [members.random.randint(1, 3) for _ in range(count)]
    coins = members.coins(sum(sizes))
    members.node.mine(DELAY)
    for size in sizes:
        yield members.conclude(members.recovery([coins.pop() for _ in range(size)]))
