"""Taproot vaults are Core's too: addresses, checksums, and transactions that it would mine."""

from base64 import b64encode
from dataclasses import replace

import pytest

from clients.bitcoind import Bitcoind
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import (
    Tr,
    canonical_text,
    derive,
    input_weight,
    satisfaction,
    spending_paths,
    with_checksum,
)
from signer.bitcoin.network import REGTEST
from signer.bitcoin.psbt.combine import combine
from signer.bitcoin.psbt.model import TapDerivation, TapLeafScript, TapScriptSignature
from signer.bitcoin.psbt.reader import parse_psbt, psbt_from_base64
from signer.bitcoin.psbt.writer import (
    InputDraft,
    OutputDraft,
    draft_psbt,
    with_our_signatures,
)
from signer.bitcoin.taproot import LEAF_VERSION
from signer.bitcoin.taproot_sighash import TaprootSighash
from signer.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut, parse_transaction
from signer.bitcoin.units import Sats
from tests.bitcoin.taproot_vaults import (
    leaf_signatures,
    plain_template,
    recovery_template,
    taproot,
)

INDEXES = 100
DELAY = 6
VAULTS = {
    "plain": taproot(plain_template(2, 3), 3),
    "sorted": taproot(plain_template(2, 3).replace("multi_a", "sortedmulti_a"), 3),
    "recovery": taproot(recovery_template(2, 3, 1, DELAY), 3),
    "large": taproot(recovery_template(11, 15, 6, 65_535), 15),
}


@pytest.mark.parametrize("name", VAULTS)
def test_addresses_and_checksum_are_those_of_core(bitcoind: Bitcoind, name: str) -> None:
    text = canonical_text(VAULTS[name], REGTEST)
    assert with_checksum(text) == f"{text}#{bitcoind.rpc('getdescriptorinfo', text)['checksum']}"
    branches = bitcoind.rpc("deriveaddresses", with_checksum(text), [0, INDEXES - 1])
    for branch, addresses in enumerate(branches):
        ours = [derive(VAULTS[name], branch, at).script_pubkey for at in range(INDEXES)]
        assert [address_of(script, REGTEST) for script in ours] == addresses
    assert [len(each) for each in branches] == [INDEXES, INDEXES]


def test_h_itself_derives_as_in_core(bitcoind: Bitcoind) -> None:
    vault = replace(VAULTS["recovery"], internal=None)
    text = with_checksum(canonical_text(vault, REGTEST))
    receive, _ = bitcoind.rpc("deriveaddresses", text, [0, 4])
    assert receive == [address_of(derive(vault, 0, at).script_pubkey, REGTEST) for at in range(5)]


def funded(bitcoind: Bitcoind, vault: Tr, index: int) -> tuple[OutPoint, TxOut]:
    script = derive(vault, 0, index).script_pubkey
    txid = bitcoind.fund(address_of(script, REGTEST), 200_000)
    previous = parse_transaction(bytes.fromhex(bitcoind.rpc("getrawtransaction", txid)))
    vout = [txout.script_pubkey for txout in previous.outputs].index(script)
    return OutPoint(previous.txid, vout), previous.outputs[vout]


def spend(
    vault: Tr, coins: list[tuple[OutPoint, TxOut]], sequence: int, path_index: int
) -> Transaction:
    """All coins, the one at place i being of index i, signed by the last members who suffice."""
    threshold = spending_paths(vault)[path_index].threshold
    members = len(derive(vault, 0, 0).leaves[0].keys)
    team = tuple(range(members - threshold, members))
    inputs = tuple(TxIn(outpoint, b"", sequence) for outpoint, _ in coins)
    outputs = (TxOut(Sats(150_000), b"\x00\x14" + b"\x0a" * 20),)
    prevouts = tuple(prevout for _, prevout in coins)
    sighash = TaprootSighash(Transaction(2, inputs, outputs, 0), prevouts)
    stacks = []
    for index in range(len(coins)):
        derived = derive(vault, 0, index)
        leaf = derived.leaves[path_index]
        digest = sighash.digest(index, 0, leaf.leaf_hash)
        stack = satisfaction(vault, derived, leaf_signatures(leaf, digest, team), path_index)
        assert stack is not None
        stacks.append(stack)
    return Transaction(2, inputs, outputs, 0, tuple(stacks))


@pytest.mark.parametrize("name", VAULTS)
def test_core_accepts_the_primary_path(bitcoind: Bitcoind, name: str) -> None:
    vault = VAULTS[name]
    coins = [funded(bitcoind, vault, index) for index in range(3)]
    final = spend(vault, coins, 0xFFFFFFFD, 0)
    verdict = bitcoind.rpc("testmempoolaccept", [final.serialize().hex()])[0]
    assert verdict["allowed"], verdict
    assert final.weight == 4 * len(final.stripped) + 2 + 3 * (input_weight(vault) - 164)


def test_core_accepts_the_recovery_path_at_its_age_only(bitcoind: Bitcoind) -> None:
    vault = VAULTS["recovery"]
    coins = [funded(bitcoind, vault, 0)]
    raw = spend(vault, coins, DELAY, 1).serialize().hex()
    refused = bitcoind.rpc("testmempoolaccept", [raw])[0]
    assert refused["reject-reason"] == "non-BIP68-final"
    bitcoind.mine(DELAY, bitcoind.make_wallet("recovery-age")("getnewaddress"))
    accepted = bitcoind.rpc("testmempoolaccept", [raw])[0]
    assert accepted["allowed"], accepted
    early = spend(vault, coins, DELAY - 1, 1).serialize().hex()
    assert not bitcoind.rpc("testmempoolaccept", [early])[0]["allowed"]


@pytest.mark.parametrize("name", VAULTS)
def test_core_finalises_our_psbts(bitcoind: Bitcoind, name: str) -> None:
    """Each member's answer, combined by Core, becomes the transaction that we would extract."""
    vault = VAULTS[name]
    coins = [funded(bitcoind, vault, 0)]
    final = spend(vault, coins, 0xFFFFFFFD, 0)
    psbt = parse_psbt(draft_psbt(2, 0, (draft_of(vault, *coins[0]),), (drafted_output(final),)))
    leaf = derive(vault, 0, 0).leaves[0]
    stack = [item for item in final.witnesses[0][:-2] if item]
    order = [key.xonly for key in leaf.keys]
    if name == "sorted":
        order.sort()
    signers = [key for key, item in zip(reversed(order), final.witnesses[0], strict=False) if item]
    answers = [
        with_our_signatures(psbt, ((0, TapScriptSignature(key, leaf.leaf_hash, each)),))
        for key, each in zip(signers, stack, strict=True)
    ]
    texts = [b64encode(answer).decode() for answer in answers]
    combined = bitcoind.rpc("combinepsbt", texts)
    assert combine(tuple(parse_psbt(each) for each in answers)) == psbt_from_base64(combined)
    done = bitcoind.rpc("finalizepsbt", combined)
    assert done["complete"], bitcoind.rpc("analyzepsbt", combined)
    assert done["hex"] == final.serialize().hex()


def drafted_output(final: Transaction) -> OutputDraft:
    return OutputDraft(final.outputs[0])


def draft_of(vault: Tr, outpoint: OutPoint, prevout: TxOut) -> InputDraft:
    derived = derive(vault, 0, 0)
    leaf = derived.leaves[0]
    return InputDraft(
        outpoint,
        0xFFFFFFFD,
        witness_utxo=prevout,
        tap_leaf_scripts=(TapLeafScript(leaf.control_block, leaf.script, LEAF_VERSION),),
        tap_derivations=tuple(
            TapDerivation(key.xonly, (leaf.leaf_hash,), key.fingerprint, key.path)
            for key in leaf.keys
        ),
        tap_internal_key=derived.internal_key,
        tap_merkle_root=derived.merkle_root,
    )
