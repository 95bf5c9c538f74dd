"""Invariant: bytes are refused with a code, or are the one script of a payload: written again byte for
byte, an OP_RETURN of at most 83 bytes.
"""

from collections.abc import Iterator

from signer.bitcoin.script import ScriptType, script_type
from signer.core.errors import MalformedRequest
from signer.core.opreturn import Anchor, Deposit, encode_payload, op_return_script, parse_op_return
from tests.fuzz.target import coded


def seeds() -> Iterator[tuple[str, bytes]]:
    anchor = Anchor(b"PGWD", 7, b"\x01" * 32, b"\x02" * 32)
    for name, payload in (("deposit", Deposit(b"PGWD", 1, b"\x03" * 20)), ("anchor", anchor)):
        yield name, op_return_script(encode_payload(payload))


def accepts(data: bytes) -> bool:
    try:
        payload = parse_op_return(data)
    except MalformedRequest as refusal:
        return coded(refusal)
    assert op_return_script(encode_payload(payload)) == data
    assert script_type(data) is ScriptType.OP_RETURN
    assert len(data) <= 83
    return True
