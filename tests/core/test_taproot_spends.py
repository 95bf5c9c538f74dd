"""Taproot vaults: facts by the leaf of the path, recovery, and each lie about the tree."""

from dataclasses import dataclass, replace

import pytest

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.model import Pair, TapScriptSignature
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_maps, with_our_signatures
from signer.bitcoin.taproot_sighash import TaprootSighash
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxOut
from signer.bitcoin.units import FeeRate, Height, Sats
from signer.consensus import verify_consensus
from signer.core.approve import approve, objections
from signer.core.catalogue import CATALOGUE
from signer.core.construct import (
    Funding,
    SweepRequest,
    WithdrawalRequest,
    construct_sweep,
    construct_withdrawal,
)
from signer.core.drafts import OfferedCoin
from signer.core.errors import Refusal
from signer.core.evidence import Authorized, CoinTerms, authorize
from signer.core.extract import Extracted, Incomplete, extract
from signer.core.payment import PaymentClaim, WithdrawalTerms
from signer.core.question import ask
from signer.core.registry import VaultRegistry
from signer.core.spend import Kind, VerifiedSpend
from signer.core.vault import Vault
from signer.core.verify import SpendClaims, verify
from tests import federation
from tests.core.model_view import ModelView
from tests.core.spends import NOW, USER_SCRIPT, previous_transaction, withdrawal_id
from tests.core.test_approve import CoinQuorumPolicy

VAULT = federation.taproot_vault()
NEXT = federation.taproot_vault(first=3, name="next")
RECOVERY = 1


def registry() -> VaultRegistry:
    made = VaultRegistry((VAULT, NEXT))
    for vault in made.all():
        made.cover(vault, 0, 0)
        made.cover(vault, 1, 0)
    return made


REGISTRY = registry()


def offered(salt: int = 0, amount: int = 100_000_000, vault: Vault = VAULT) -> OfferedCoin:
    previous = previous_transaction(vault.script(0, salt).script_pubkey, amount, salt)
    outpoint = OutPoint(previous.txid, 1)
    return OfferedCoin(previous.serialize(), outpoint, Sats(amount), 0, salt)


COINS = (offered(0), offered(1))


@dataclass(frozen=True)
class Draft:
    """A PSBT as maps of pairs, so that a test changes exactly one."""

    maps: tuple[tuple[Pair, ...], ...]
    payments: tuple[PaymentClaim, ...] = ()

    @property
    def psbt_bytes(self) -> bytes:
        return serialize_maps(self.maps)

    def but(self, number: int, pairs: tuple[Pair, ...]) -> "Draft":
        maps = (*self.maps[:number], tuple(sorted(pairs)), *self.maps[number + 1 :])
        return replace(self, maps=maps)

    def without(self, kind: bytes, number: int = 1) -> "Draft":
        return self.but(number, tuple(p for p in self.maps[number] if p[0][:1] != kind))

    def plus(self, *pairs: Pair, number: int = 1) -> "Draft":
        return self.but(number, (*self.maps[number], *pairs))

    def pairs(self, kind: bytes, number: int = 1) -> list[Pair]:
        return [pair for pair in self.maps[number] if pair[0][:1] == kind]

    def sequences(self, *sequences: int) -> "Draft":
        transaction = parse_psbt(self.psbt_bytes).transaction
        changed = replace(
            transaction,
            inputs=tuple(
                txin._replace(sequence=sequence)
                for txin, sequence in zip(transaction.inputs, sequences, strict=True)
            ),
        )
        return self.but(0, ((fields.GLOBAL_UNSIGNED_TX, Transaction.serialize(changed)),))

    def verify(self, ours: tuple[int, ...] = (0, 3)) -> VerifiedSpend:
        raw = self.psbt_bytes
        return verify(SpendClaims(parse_psbt(raw), raw, self.payments), VAULT, REGISTRY, ours)


def draft(psbt_bytes: bytes, payments: tuple[PaymentClaim, ...] = ()) -> Draft:
    psbt = parse_psbt(psbt_bytes)
    maps = [psbt.global_pairs, *(m.pairs for m in psbt.inputs), *(m.pairs for m in psbt.outputs)]
    return Draft(tuple(maps), payments)


def withdrawal(coins: tuple[OfferedCoin, ...] = COINS) -> Draft:
    terms = (WithdrawalTerms(withdrawal_id(1), Sats(60_000_000), USER_SCRIPT),)
    required = frozenset(coin.outpoint for coin in coins)
    funding = Funding(VAULT, coins, 0, FeeRate(2_000), required)
    built = construct_withdrawal(WithdrawalRequest(funding, terms), REGISTRY)
    return draft(built.psbt_bytes, (PaymentClaim(withdrawal_id(1), 0),))


def sweep(path_index: int = 0, to: Vault = VAULT) -> Draft:
    request = SweepRequest(VAULT, to, 2, path_index, COINS, FeeRate(2_000))
    return draft(construct_sweep(request, REGISTRY).psbt_bytes)


def refused(case: Draft) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        case.verify()
    code: str = caught.value.code
    assert code in CATALOGUE
    return code


def signed(case: Draft, member: int, path_index: int = 0) -> bytes:
    """The PSBT with that member's signatures for the path's leaf."""
    spend = case.verify(ours=tuple(VAULT.paths[path_index].positions))
    signatures = []
    for task in spend.tasks:
        coin = spend.coins[task.input_index]
        leaf = coin.derived.leaves[spend.path.leaves[0]]
        key = next(key for key in leaf.keys if key.pubkey == task.pubkey)
        if key.fingerprint == federation.MEMBERS[member].fingerprint:
            secret = federation.MEMBERS[member].secret(*key.path[-2:])
            signature = secret.sign_schnorr(task.digest)
            each = TapScriptSignature(key.xonly, leaf.leaf_hash, signature)
            signatures.append((task.input_index, each))
    return with_our_signatures(spend.psbt, tuple(signatures))


def test_a_withdrawal_by_the_primary_leaf() -> None:
    spend = withdrawal().verify()
    assert (spend.kind, spend.path.name, spend.path_index) == (Kind.WITHDRAWAL, "primary", 0)
    assert [(t.input_index, t.key_position, t.sighash_type) for t in spend.tasks] == [
        (0, 0, 0),
        (1, 0, 0),
    ]
    prevouts = tuple(coin.prevout for coin in spend.coins)
    leaf = spend.coins[0].derived.leaves[0]
    digest = TaprootSighash(spend.transaction, prevouts).digest(0, 0, leaf.leaf_hash)
    assert (spend.tasks[0].digest, spend.tasks[0].script) == (digest, leaf.script)


@pytest.mark.parametrize("team", [(0, 1), (1, 2), (0, 2)])
def test_any_two_members_spend(team: tuple[int, int]) -> None:
    case = withdrawal()
    psbts = tuple(parse_psbt(signed(case, member)) for member in team)
    found = extract(VAULT, psbts)
    assert isinstance(found, Extracted)
    verify_consensus(found.transaction, found.prevouts)
    assert found.transaction.weight == case.verify().weight


def test_one_member_is_not_enough() -> None:
    found = extract(VAULT, (parse_psbt(signed(withdrawal(), 1)),))
    assert isinstance(found, Incomplete)
    assert [(each.signed, each.needed, len(each.without)) for each in found.missing] == [
        (1, 2, 2),
        (1, 2, 2),
    ]


def test_previous_transaction_may_be_absent() -> None:
    """A Taproot signature commits to every amount and script (BIP-341)."""
    case = withdrawal()
    assert case.without(fields.IN_NON_WITNESS_UTXO).verify().fee == case.verify().fee
    bare = case.without(fields.IN_NON_WITNESS_UTXO).without(fields.IN_WITNESS_UTXO)
    assert refused(bare) == "previous-transaction-missing"
    assert case.without(fields.IN_WITNESS_UTXO).verify().fee == case.verify().fee


def test_amount_lie_beside_the_previous_transaction() -> None:
    case = withdrawal()
    script = VAULT.script(0, 0).script_pubkey
    place = next(n for n in (1, 2) if script in case.pairs(fields.IN_WITNESS_UTXO, n)[0][1])
    lie = (fields.IN_WITNESS_UTXO, TxOut(Sats(99_000_000), script).serialize())
    assert refused(case.without(fields.IN_WITNESS_UTXO, place).plus(lie, number=place)) == (
        "witness-utxo-mismatch"
    )


def test_amount_lie_alone_makes_a_signature_worthless() -> None:
    """Without the previous transaction the lie is signed, and no node accepts the signature."""
    case = withdrawal((COINS[0],)).without(fields.IN_NON_WITNESS_UTXO)
    script = VAULT.script(0, 0).script_pubkey
    lie = (fields.IN_WITNESS_UTXO, TxOut(Sats(200_000_000), script).serialize())
    lied = case.without(fields.IN_WITNESS_UTXO).plus(lie)
    psbts = tuple(parse_psbt(signed(lied, member)) for member in (0, 1))
    found = extract(VAULT, psbts)
    assert isinstance(found, Extracted)
    with pytest.raises(Refusal) as caught:
        verify_consensus(found.transaction, (TxOut(Sats(100_000_000), script),))
    assert caught.value.code == "consensus-refused"


def test_recovery_sweeps_after_its_delay() -> None:
    case = sweep(RECOVERY)
    spend = case.verify()
    assert (spend.kind, spend.path.name) == (Kind.SWEEP, "recovery")
    assert {txin.sequence for txin in spend.transaction.inputs} == {144}
    assert {task.key_position for task in spend.tasks} == {3}
    found = extract(VAULT, (parse_psbt(signed(case, 2, RECOVERY)),))
    assert isinstance(found, Extracted)
    verify_consensus(found.transaction, found.prevouts)
    assert found.transaction.weight == spend.weight


def test_recovery_rotates() -> None:
    spend = sweep(RECOVERY, NEXT).verify()
    assert (spend.kind, spend.path.name) == (Kind.ROTATION, "recovery")
    assert spend.to is NEXT


def test_withdrawal_through_the_recovery_path() -> None:
    """One member alone could pay: the sequence that would allow it makes the spend a recovery."""
    assert refused(withdrawal().sequences(144, 144)) == "recovery-may-not-pay"


@pytest.mark.parametrize(
    "sequences",
    [(144, 0xFFFFFFFD), (143, 143), (145, 145), (144, 145), (1 << 22 | 144,) * 2, (0, 0)],
)
def test_sequences_that_are_no_paths(sequences: tuple[int, int]) -> None:
    assert refused(withdrawal().sequences(*sequences)) == "sequence-refused"


def test_member_without_a_key_in_the_path_has_no_task() -> None:
    assert sweep(RECOVERY).verify(ours=(0,)).tasks == ()
    assert len(sweep(RECOVERY).verify(ours=(0, 3)).tasks) == 2


def leaf_pair(case: Draft) -> Pair:
    return case.pairs(fields.IN_TAP_LEAF_SCRIPT)[0]


def test_forged_control_block() -> None:
    case = withdrawal()
    key, value = leaf_pair(case)
    forged = key[:-1] + bytes([key[-1] ^ 1])
    case = case.without(fields.IN_TAP_LEAF_SCRIPT)
    assert refused(case.plus((forged, value))) == "input-script-mismatch"
    assert case.plus((key, value)).verify().fee


def test_leaf_that_the_output_does_not_commit_to() -> None:
    case = withdrawal()
    key, value = leaf_pair(case)
    case = case.without(fields.IN_TAP_LEAF_SCRIPT)
    assert refused(case.plus((key, b"\x51" + value[-1:]))) == "input-script-mismatch"


@pytest.mark.parametrize("version", [0xFE, 0xC2])
def test_leaf_version(version: int) -> None:
    """Scripts of other leaf versions can be spent by anyone."""
    case = withdrawal()
    key, value = leaf_pair(case)
    control = key[:1] + bytes([version | key[1] & 1]) + key[2:]
    case = case.without(fields.IN_TAP_LEAF_SCRIPT)
    assert refused(case.plus((control, value[:-1] + bytes([version])))) in (
        "input-script-mismatch",
        "taproot-leaf-version",
        "psbt-value-malformed",
    )


@pytest.mark.parametrize("kind", [fields.IN_TAP_INTERNAL_KEY, fields.IN_TAP_MERKLE_ROOT])
def test_other_internal_key_or_root(kind: bytes) -> None:
    """A spendable internal key would be a door beside the multisig."""
    case = withdrawal().without(kind)
    assert case.verify().fee
    assert refused(case.plus((kind, federation.WATCHERS[0].key))) == "input-script-mismatch"


def test_key_path_signature() -> None:
    assert refused(withdrawal().plus((fields.IN_TAP_KEY_SIG, bytes(64)))) == (
        "psbt-field-not-understood"
    )


@pytest.mark.parametrize("kind", [0, 1, 0x81])
def test_sighash_type(kind: int) -> None:
    case = withdrawal().plus((fields.IN_SIGHASH_TYPE, kind.to_bytes(4, "little")))
    if kind == 0:
        assert case.verify().tasks[0].sighash_type == 0
    else:
        assert refused(case) == "sighash-type-refused"


def test_fields_of_p2wsh_have_no_meaning_here() -> None:
    pubkey = federation.MEMBERS[0].secret(0, 0).public_key.format()
    origin = federation.MEMBERS[0].fingerprint
    assert refused(withdrawal().plus((fields.IN_BIP32_DERIVATION + pubkey, origin))) == (
        "psbt-field-not-understood"
    )
    assert refused(withdrawal().plus((fields.IN_WITNESS_SCRIPT, b"\x51"))) == (
        "psbt-field-not-understood"
    )


def test_derivation_with_another_leaf() -> None:
    case = withdrawal()
    key, value = case.pairs(fields.IN_TAP_BIP32_DERIVATION)[0]
    swapped = (key, value[:1] + bytes(32) + value[33:])
    others = [pair for pair in case.pairs(fields.IN_TAP_BIP32_DERIVATION) if pair[0] != key]
    changed = case.without(fields.IN_TAP_BIP32_DERIVATION).plus(*others, swapped)
    assert refused(changed) == "derivation-mismatch"


def signature_pair(case: Draft, member: int = 1) -> Pair:
    psbt = parse_psbt(signed(case, member))
    return next(p for p in psbt.inputs[0].pairs if p[0][:1] == fields.IN_TAP_SCRIPT_SIG)


def test_signature_of_another_member_is_verified() -> None:
    case = withdrawal((COINS[0],))
    assert case.plus(signature_pair(case)).verify().fee


def test_bad_signatures() -> None:
    case = withdrawal((COINS[0],))
    key, value = signature_pair(case)
    assert refused(case.plus((key, bytes([value[0] ^ 1]) + value[1:]))) == "signature-invalid"
    assert refused(case.plus((key, value + b"\x01"))) == "sighash-type-refused"
    assert refused(case.plus((key[:-1] + bytes([key[-1] ^ 1]), value))) == "signature-foreign-key"
    stranger = key[:1] + federation.WATCHERS[0].key + key[33:]
    assert refused(case.plus((stranger, value))) == "signature-foreign-key"


def test_change_with_another_tree_or_internal_key() -> None:
    case = withdrawal()
    change = len(case.maps) - 1
    other = case.without(fields.OUT_TAP_INTERNAL_KEY, change)
    assert other.verify().change is not None
    key = (fields.OUT_TAP_INTERNAL_KEY, federation.WATCHERS[0].key)
    assert refused(other.plus(key, number=change)) == "output-script-mismatch"
    tree = case.without(fields.OUT_TAP_TREE, change)
    single = (fields.OUT_TAP_TREE, b"\x00\xc0\x01\x51")
    assert refused(tree.plus(single, number=change)) == "output-script-mismatch"


def test_p2wsh_input_in_a_taproot_vaults_transaction() -> None:
    wsh = federation.vault()
    previous = previous_transaction(wsh.script(0, 0).script_pubkey, 100_000_000)
    foreign = OfferedCoin(
        previous.serialize(), OutPoint(Txid(previous.txid), 1), Sats(100_000_000), 0, 0
    )
    funding = Funding(VAULT, (foreign,), 0, FeeRate(2_000))
    terms = (WithdrawalTerms(withdrawal_id(1), Sats(60_000_000), USER_SCRIPT),)
    with pytest.raises(Refusal) as caught:
        construct_withdrawal(WithdrawalRequest(funding, terms), REGISTRY)
    assert caught.value.code == "input-foreign"


def test_taproot_coin_without_previous_transaction_is_drafted_by_its_amount() -> None:
    bare = replace(COINS[0], previous_tx=None)
    case = withdrawal((bare,))
    assert not case.pairs(fields.IN_NON_WITNESS_UTXO)
    assert case.verify().fee
    nothing = replace(bare, amount=None)
    with pytest.raises(Refusal) as caught:
        withdrawal((nothing,))
    assert caught.value.code == "previous-transaction-missing"


def test_path_of_a_sweep_that_does_not_exist() -> None:
    with pytest.raises(Refusal) as caught:
        sweep(2)
    assert caught.value.code == "path-unknown"


def test_sweep_that_does_not_pay_for_itself() -> None:
    poor = (offered(0, 10_000),)
    request = SweepRequest(VAULT, VAULT, 0, 0, poor, FeeRate(100_000))
    with pytest.raises(Refusal) as caught:
        construct_sweep(request, REGISTRY)
    assert caught.value.code == "coins-insufficient"


def test_amount_lie_about_a_coin_on_record_is_not_recorded() -> None:
    """Taproot needs no previous transaction, and a coin of an earlier version no fresh evidence: a lie
    about its amount would be signed (worthlessly), recorded, and lock out the honest bump of that txid."""
    case = withdrawal((COINS[0],))
    spend = case.verify()
    view = ModelView()
    coin = CoinTerms(
        COINS[0].outpoint, Sats(100_000_000), Height(1), VAULT.script(0, 0).script_pubkey
    )
    said = tuple(
        watcher.attest(VAULT.realm, NOW + 60, *statements)
        for watcher in federation.WATCHERS[:2]
        for statements in ((coin,), tuple(payment.terms for payment in spend.payments))
    )
    keys = frozenset(watcher.key for watcher in federation.WATCHERS)
    view.record(
        approve(ask(spend, authorize(said, VAULT.realm, keys), view, NOW), CoinQuorumPolicy())
    )
    bump = case.sequences(0xFFFFFFFE).without(fields.IN_NON_WITNESS_UTXO)
    honest = ask(bump.verify(), Authorized({}, {}, ()), view, NOW)
    assert list(objections(honest, CoinQuorumPolicy())) == []
    lie = (fields.IN_WITNESS_UTXO, TxOut(Sats(100_005_000), coin.script_pubkey).serialize())
    lied = bump.without(fields.IN_WITNESS_UTXO).plus(lie)
    question = ask(lied.verify(), Authorized({}, {}, ()), view, NOW)
    assert [each.code for each in objections(question, CoinQuorumPolicy())] == [
        "coin-not-as-recorded"
    ]
