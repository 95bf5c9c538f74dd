"""Core reads our descriptors as we do: the same addresses, whichever sane script a vault has.

Core parses the text on its own, so an equal address means an equal script, and its refusals are compared
with ours where both speak the same language (BIP-380 to 387, 389).
"""

from random import Random

import pytest

from clients.bitcoind import Bitcoind
from clients.jsonrpc import NodeError
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import canonical_text, derive, parse_template, with_checksum
from signer.bitcoin.descriptor.read import read_descriptor_body
from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.model import Context, Miniscript
from signer.bitcoin.miniscript.sane import verify_sane
from signer.bitcoin.miniscript.text import format_miniscript
from signer.bitcoin.network import REGTEST
from signer.bitcoin.taproot import UNSPENDABLE_H
from tests.bitcoin.miniscript.generator import generate
from tests.bitcoin.taproot_vaults import MEMBERS, UNSPENDABLE

INDEXES, GENERATED = 20, 300
KEYS = tuple(member.key_text for member in MEMBERS[:5])
DIGEST = "cd" * 32
A, B, C = KEYS[:3]
TEMPLATES = (
    "wsh(pk(@0/**))",
    "wsh(pkh(@0/**))",
    "wsh(multi(2,@0/**,@1/**,@2/**))",
    "wsh(sortedmulti(3,@0/**,@1/**,@2/**,@3/**))",
    "wsh(or_d(multi(2,@0/**,@1/**),and_v(v:pkh(@2/**),older(144))))",
    "wsh(andor(multi(2,@0/**,@1/**,@2/**),or_i(and_v(v:pkh(@3/**),older(1000)),pk(@4/**)),pk(@0/<2;3>/*)))",
    "wsh(thresh(3,pk(@0/**),s:pk(@1/**),s:pk(@2/**),sln:older(12960)))",
    f"wsh(and_v(v:sha256({DIGEST}),or_d(pk(@0/**),and_v(v:pk(@1/**),after(500000001)))))",
    f"wsh(or_i(and_v(v:hash160({DIGEST[:40]}),pk(@0/**)),multi(2,@0/<2;3>/*,@1/**)))",
    "wsh(t:or_c(pk(@0/**),and_v(v:pk(@1/**),or_c(pk(@2/**),v:older(4194311)))))",
)
TREES = (
    "multi_a(2,@1/**,@2/**,@3/**)",
    "sortedmulti_a(2,@1/**,@2/**,@3/**)",
    "{multi_a(2,@1/**,@2/**),and_v(v:older(144),multi_a(1,@1/<2;3>/*,@2/<2;3>/*))}",
    "{and_v(v:pk(@1/**),pk(@2/**)),{pkh(@3/**),and_n(pk(@4/**),after(7))}}",
    "{{thresh(2,pk(@1/**),s:pk(@2/**),sln:older(9)),pk(@3/**)},or_b(pk(@4/**),s:pk(@5/**))}",
)


@pytest.mark.parametrize("template", [*TEMPLATES, *(f"tr(@0/**,{tree})" for tree in TREES)])
def test_addresses_of_vaults_are_those_of_core(bitcoind: Bitcoind, template: str) -> None:
    listed = (UNSPENDABLE, *KEYS) if template.startswith("tr") else KEYS
    used = {int(part.split("/")[0]) for part in template.split("@")[1:]}
    vault = parse_template(template, listed[: len(used)], REGTEST)
    text = with_checksum(canonical_text(vault, REGTEST))
    branches = bitcoind.rpc("deriveaddresses", text, [0, INDEXES - 1])
    for branch, addresses in enumerate(branches):
        scripts = [derive(vault, branch, index).script_pubkey for index in range(INDEXES)]
        assert [address_of(script, REGTEST) for script in scripts] == addresses
    assert bitcoind.rpc("getdescriptorinfo", text)["checksum"] == text[-8:]


PUBKEY = MEMBERS[7].secret(0, 0).public_key.format().hex()
OTHERS = (
    f"wsh(pk({PUBKEY}))",
    f"sh(wsh(multi(1,{A}/7/*,{PUBKEY})))",
    f"sh(wsh(or_d(pk({A}/<0;5;9>/*),and_v(v:pkh({PUBKEY}),older(9)))))",
    f"tr({PUBKEY})",
    f"tr({PUBKEY[2:]})",
    f"tr({A}/<4;5>/*)",
    f"tr({PUBKEY[2:]},{{pk({A}/1/*),{{pk({PUBKEY}),multi_a(1,{B},{C}/*)}}}})",
)


@pytest.mark.parametrize("text", OTHERS)
def test_addresses_of_other_descriptors_are_those_of_core(bitcoind: Bitcoind, text: str) -> None:
    descriptor = read_descriptor_body(text, REGTEST)
    ranged = "*" in text
    arguments = [with_checksum(text), *([[0, 3]] if ranged else [])]
    addresses = bitcoind.rpc("deriveaddresses", *arguments)
    ours = [
        [address_of(each.script_pubkey, REGTEST) for each in descriptor.scripts_at(index)]
        for index in range(4 if ranged else 1)
    ]
    columns = [list(column) for column in zip(*ours, strict=True)]
    assert (columns if descriptor.alternatives > 1 else columns[0]) == addresses


@pytest.mark.parametrize(
    "text",
    [
        f"wsh(multi(2,{A}/<0;1>/*,{B}/<0;1;2>/*))",
        f"wsh(pk({A}/<0;0>/*))",
        f"wsh(pk({A}/<0>/*))",
        f"wsh(pk({A}/<0;1>/<2;3>))",
        f"wsh(pk({A}/**))",
        f"wsh(pk({A}/2147483648))",
        f"wsh(pk({PUBKEY}/0))",
        f"wsh(pk({PUBKEY[2:]}))",
        f"wsh(multi_a(1,{A}))",
        f"wsh(multi(0,{A}))",
        f"wsh(multi(2,{A}))",
        f"wsh(v:pk({A}))",
        f"wsh(and_v(v:older(0),pk({A})))",
        f"wsh(wsh(pk({A})))",
        f"tr({A},multi(1,{B}))",
        f"tr({A},{{pk({B})}})",
        f"tr({A},{{pk({B}),pk({C})}}",
        f"tr({A},)",
        "tr()",
        "wsh()",
        "",
    ],
)
def test_what_core_refuses_is_refused(bitcoind: Bitcoind, text: str) -> None:
    with pytest.raises(NodeError):
        bitcoind.rpc("getdescriptorinfo", text)
    with pytest.raises(Malformed):
        read_descriptor_body(text, REGTEST)


@pytest.mark.parametrize("context", Context)
def test_generated_scripts_are_read_alike(bitcoind: Bitcoind, context: Context) -> None:
    """Sane and satisfiable as we say, accepted by Core, and then the same address; or neither."""
    random, accepted = Random(4), 0
    for _ in range(GENERATED):
        made = generate(random, context)
        body = format_miniscript(made.script, [key.hex() for key in made.keys])
        text = f"wsh({body})" if context is Context.P2WSH else f"tr({UNSPENDABLE_H.hex()},{body})"
        descriptor = read_descriptor_body(text, REGTEST)
        (_, script) = descriptor.leaves[0]
        assert script == made.script
        sane = is_sane(script, descriptor.pubkeys_at(0, 0))
        assert sane == is_read_by_core(bitcoind, text), text
        if sane:
            accepted += 1
            (address,) = bitcoind.rpc("deriveaddresses", with_checksum(text))
            (ours,) = descriptor.scripts_at(0)
            assert address_of(ours.script_pubkey, REGTEST) == address
    assert accepted > GENERATED // 2


def is_sane(script: Miniscript, keys: tuple[bytes, ...]) -> bool:
    try:
        verify_sane(script, keys)
    except Malformed:
        return False
    return True


def is_read_by_core(bitcoind: Bitcoind, text: str) -> bool:
    try:
        bitcoind.rpc("getdescriptorinfo", text)
    except NodeError:
        return False
    return True
