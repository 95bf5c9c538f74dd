"""Multisig scripts, written down once more: what the kernel's miniscripts are compared with."""

from signer.bitcoin.script import push_data, push_int


def multi_a_script(threshold: int, xonly_keys: tuple[bytes, ...]) -> bytes:
    """<key> CHECKSIG <key> CHECKSIGADD ... <k> NUMEQUAL, keys in the order given (BIP-387)."""
    first, *others = (b"\x20" + key for key in xonly_keys)
    counted = b"".join(key + b"\xba" for key in others)
    return first + b"\xac" + counted + push_int(threshold) + b"\x9c"


def multisig_script(threshold: int, keys: tuple[bytes, ...]) -> bytes:
    """<k> <key>... <n> CHECKMULTISIG, keys in the order given."""
    pushed = b"".join(push_data(key) for key in keys)
    return push_int(threshold) + pushed + push_int(len(keys)) + b"\xae"
