"""BIP-32, the private side: 17 of 17 chains, and our account against a foreign wallet's."""

import mmap
import subprocess
import sys

import pytest
from coincurve._libsecp256k1 import ffi
from embit.bip32 import HDKey

from keystore.arena import UNIT, Arena
from keystore.derive import PrivateNode, account_path, derive_account, master_node
from keystore.secret import UNSAFE_EXPOSE, Secret
from signer.bitcoin.base58 import base58check_encode
from signer.bitcoin.keys import HARDENED
from signer.bitcoin.network import MAINNET, REGTEST
from signer.core.errors import Fault
from tests import federation
from tests.keystore.vaultroom import SEED
from tests.vectors import load_json


def xprv(node: PrivateNode) -> str:
    head = node.public.payload()[:-33]
    key = bytes(ffi.buffer(node.expose(UNSAFE_EXPOSE), 32))
    return base58check_encode(MAINNET.xprv_version + head + b"\x00" + key)


def steps(chain: str) -> list[int]:
    """`m/0/h/1` of the vectors: an h belongs to the number before it."""
    numbers: list[int] = []
    for part in chain.split("/")[1:]:
        if part in ("h", "H", "'"):
            numbers[-1] += HARDENED
        else:
            hardened = part[-1] in "hH'"
            numbers.append(int(part.rstrip("hH'")) + (HARDENED if hardened else 0))
    return numbers


def test_bip32_chains() -> None:
    rows = load_json("bips/bip32/bip32_vectors.json")["vectors"]
    for row in rows:
        with Secret(bytes.fromhex(row["seed"])) as seed:
            node = master_node(seed)
        for number in steps(row["chain"]):
            node = node.child(number)
        assert node.public.text(MAINNET) == row["xpub"]
        assert xprv(node) == row["xprv"]
    assert len(rows) == 17


@pytest.mark.parametrize(("network", "coin"), [(MAINNET, 0), (REGTEST, 1)])
def test_the_account_is_the_foreign_wallet_s(network: object, coin: int) -> None:
    with Secret(SEED) as seed:
        origin, account = derive_account(seed, network)  # type: ignore[arg-type]
    foreign = HDKey.from_seed(SEED).derive(f"m/48h/{coin}h/0h/2h")
    assert account.public.pubkey == foreign.key.get_public_key().sec()
    assert account.public.chain_code == foreign.chain_code
    assert origin.path == account_path(network)  # type: ignore[arg-type]
    assert origin.fingerprint == federation.MEMBERS[0].fingerprint
    child = account.child(1).child(7)
    assert child.public.pubkey == foreign.derive([1, 7]).key.get_public_key().sec()
    assert child.public == account.public.child(1).child(7)


def test_a_closed_node_is_zero() -> None:
    with Secret(SEED) as seed:
        node = master_node(seed)
    buffer = node.expose(UNSAFE_EXPOSE)
    assert bytes(ffi.buffer(buffer, 32)) != bytes(32)
    node.close()
    assert bytes(ffi.buffer(buffer, 32)) == bytes(32)


IN_A_CIRCLE = """
import gc, mmap, weakref
from keystore.arena import Arena
from keystore.derive import master_node
from keystore.secret import Secret
circle = [master_node(Secret(bytes(range(32)))).moved(Arena(mmap.PAGESIZE))]
circle.append(circle)
weakref.finalize._exitfunc()  # as Python does when a process ends, before it clears what is left
del circle
gc.collect()
"""


def test_a_process_ends_well_whose_moved_key_is_in_a_circle() -> None:
    """A kernel with its keystore in one ended with BufferError, or with a crash of Python."""
    done = subprocess.run([sys.executable, "-c", IN_A_CIRCLE], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_moved_key_is_in_the_arena_until_it_is_garbage() -> None:
    pages = Arena(mmap.PAGESIZE)
    with Secret(SEED) as seed:
        node = master_node(seed)
    before = xprv(node)
    moved = node.moved(pages)
    assert bytes(ffi.buffer(node.expose(UNSAFE_EXPOSE), 32)) == bytes(32), "no second copy"
    assert xprv(moved) == before
    assert moved.child(HARDENED).public == moved.child(HARDENED).public
    rest = [pages.take(UNIT) for _ in range(mmap.PAGESIZE // UNIT - 1)]
    with pytest.raises(Fault, match="full"):
        pages.take(1)
    del moved
    assert not any(pages.take(32)), "given back, zeroed"
    assert len(rest) == mmap.PAGESIZE // UNIT - 1
