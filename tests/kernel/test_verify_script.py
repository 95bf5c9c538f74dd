"""VerifyScript: vaults, foreign descriptors and bare scripts are described; refusals are coded."""

from dataclasses import dataclass, field, replace

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import with_checksum
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST, Network
from signer.bitcoin.script import p2wsh
from signer.bitcoin.taproot import UNSPENDABLE_H, unspendable_xpub
from signer.core.errors import Refusal
from signer.core.registry import VaultRegistry
from signer.core.vault import Vault, register
from signer.methods import bare_scripts
from signer.methods.scripts import verify_script
from tests import federation
from tests.kernel.room import RELAYER

VAULT = federation.vault()
HEX = tuple(
    member.account.derive([0, 0]).get_public_key().serialize().hex()
    for member in federation.MEMBERS[:4]
)
XPUBS = tuple(member.key_text for member in federation.MEMBERS)


@dataclass
class Room:
    """What VerifyScript sees of a kernel."""

    network: Network = REGTEST
    registry: VaultRegistry = field(default_factory=lambda: VaultRegistry((VAULT,)))

    def policy_in_force(self) -> "Room":
        """It names the same vaults."""
        return self

    @property
    def vaults(self) -> tuple[Vault, ...]:
        return self.registry.all()


def verified(**fields: object) -> pb.VerifyScriptResponse:
    request = pb.VerifyScriptRequest(**fields)
    return verify_script(Room(), RELAYER, request.SerializeToString())


def described(text: str, **fields: object) -> pb.VerifyScriptResponse:
    return verified(descriptor=with_checksum(text), **fields)


def refused(**fields: object) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        verified(**fields)
    return caught.value.code


def vault_key(member: int, branches: str = "<0;1>") -> str:
    return f"{XPUBS[member]}/{branches}/*"


def policy() -> str:
    """2 of 3; after 144 blocks one of the first two."""
    keys = ",".join(vault_key(member) for member in range(3))
    later = ",".join(vault_key(member, "<2;3>") for member in range(2))
    return f"wsh(or_d(multi(2,{keys}),and_v(v:older(144),multi(1,{later}))))"


def members(sets: object) -> list[list[int]]:
    return [list(each.members) for each in sets]


# --- vaults ---


def test_a_registered_vault() -> None:
    known = verified(vault_id="peg")
    assert known.descriptor == with_checksum(VAULT.text)
    assert (known.fingerprint, known.script_type) == (VAULT.fingerprint, "p2wsh")
    assert (known.threshold, known.members, known.tolerated, known.may_be_silent) == (2, 3, 0, 1)
    assert (known.vault_allowed, list(known.objections)) == (True, [])
    assert (members(known.quorums), known.intersection) == ([[0, 1], [1, 2]], 1)
    assert known.first_address == address_of(VAULT.script(0, 0).script_pubkey, REGTEST)
    (path,) = known.paths
    assert (path.name, path.threshold, path.input_weight) == ("primary", 2, VAULT.input_weight())
    assert [key.key for key in path.keys] == [vault_key(member) for member in range(3)]
    assert [(group.threshold, list(group.positions)) for group in path.ways[0].groups] == [
        (2, [0, 1, 2])
    ]
    (script,) = known.scripts
    assert script.script == VAULT.script(0, 0).witness_script
    assert script.miniscript == VAULT.text.removeprefix("wsh(").removesuffix(")")
    assert (script.sane, script.nonmalleable, script.needs_signature) == (True, True, True)
    assert (script.timelock_mix, script.depth, list(script.insanities)) == (False, 0, [])
    assert script.types.startswith("B")
    assert script.ops > 0
    assert script.stack == 3
    assert script.max_witness_weight == 1 + 2 * 73
    assert list(known.earliest) == []


def test_a_registered_vault_is_told_with_its_witnesses() -> None:
    """Two of four that three of four witness: by its scripts alone it could not be registered."""
    plain = federation.definition(2, 4)
    log_keys = tuple(bytes([number]) * 32 for number in range(4))
    vault = register(replace(plain, witnesses=log_keys, witness_quorum=3), REGTEST)
    room = Room(registry=VaultRegistry((vault,)))
    request = pb.VerifyScriptRequest(vault_id=vault.vault_id)
    known = verify_script(room, RELAYER, request.SerializeToString())
    assert (known.vault_allowed, list(known.objections)) == (True, [])
    assert (known.threshold, known.members, known.tolerated, known.may_be_silent) == (2, 4, 1, 1)
    assert known.intersection == 0
    terms = known.witnesses
    assert (tuple(terms.log_keys), terms.quorum, terms.start_needs) == (log_keys, 3, 3)
    bare = verify_script(
        room, RELAYER, pb.VerifyScriptRequest(descriptor=known.descriptor).SerializeToString()
    )
    assert [each.code for each in bare.objections] == ["vault-quorums-disjoint"]
    assert (bare.tolerated, bare.may_be_silent) == (-1, 2)
    assert not bare.HasField("witnesses")
    assert not verified(vault_id="peg").HasField("witnesses")


def test_expected_scripts_are_compared_place_by_place() -> None:
    third = VAULT.script(0, 3)
    expected = [
        pb.ExpectedScript(branch=branch, index=index, script=script)
        for branch, index, script in (
            (t.BRANCH_RECEIVE, 3, third.script_pubkey),
            (t.BRANCH_RECEIVE, 3, third.witness_script),
            (t.BRANCH_CHANGE, 3, third.script_pubkey),
            (t.BRANCH_RECEIVE, 4, third.script_pubkey),
            (t.BRANCH_RECEIVE, 3, b""),
        )
    ]
    answer = verified(vault_id="peg", expected=expected)
    assert list(answer.matches) == [True, True, False, False, False]
    single = described(f"wsh(pk({XPUBS[0]}/0/*))", expected=expected[:3])
    assert list(single.matches) == [False, False, False]


def test_a_recovery_path_and_what_a_minority_can_do() -> None:
    answer = described(policy(), coin_height=850_000)
    assert [path.name for path in answer.paths] == ["primary", "recovery"]
    primary, recovery = answer.paths
    assert not primary.HasField("older_blocks")
    assert (recovery.older_blocks, recovery.threshold) == (144, 1)
    assert [way.older_blocks for way in recovery.ways] == [0, 144]
    assert list(recovery.fewest.members) == [0]
    assert [(each.size, each.height, each.path_index) for each in answer.earliest] == [
        (1, 850_144, 1)
    ]
    assert list(answer.earliest[0].members.members) == [0]
    assert recovery.input_weight > 0
    assert list(described(policy()).earliest) == []


def test_a_template_and_its_objection() -> None:
    weak = federation.definition(2, 4)
    template = pb.VaultTemplate(template=weak.template, keys=weak.keys)
    answer = verified(template=template)
    assert (answer.vault_allowed, answer.tolerated, answer.intersection) == (False, -1, 0)
    assert [each.code for each in answer.objections] == ["vault-quorums-disjoint"]
    assert members(answer.quorums) == [[0, 1], [2, 3]]
    assert refused(template=pb.VaultTemplate(template="wsh(nothing)")) == (
        "miniscript-unknown-fragment"
    )


def test_a_taproot_vault() -> None:
    vault = federation.taproot_vault()
    answer = described(vault.text)
    assert (answer.script_type, answer.fingerprint) == ("p2tr", vault.fingerprint)
    assert [list(path.leaves) for path in answer.paths] == [[0], [1]]
    assert [path.input_weight for path in answer.paths] == [
        vault.input_weight(0),
        vault.input_weight(1),
    ]
    leaves = vault.script(0, 0).leaves
    assert [each.script for each in answer.scripts] == [leaf.script for leaf in leaves]
    assert [each.depth for each in answer.scripts] == [1, 1]


def test_locks_of_every_unit() -> None:
    time = 1 << 22
    alternatives = [
        f"and_v(v:older({time | 3}),pk({vault_key(0, '<4;5>')}))",
        f"and_v(v:after(900000),pk({vault_key(1, '<4;5>')}))",
        f"and_v(v:after(1900000000),pk({vault_key(2, '<4;5>')}))",
    ]
    tree = f"{{pk({vault_key(0)}),{{{alternatives[0]},{{{alternatives[1]},{alternatives[2]}}}}}}}"
    _, seconds, height, unix = described(f"tr({UNSPENDABLE_H.hex()},{tree})").paths
    assert (seconds.older_seconds, height.after_height, unix.after_unix) == (
        1_536,
        900_000,
        1_900_000_000,
    )
    assert [path.HasField("older_blocks") for path in (seconds, height, unix)] == [False] * 3
    assert seconds.ways[0].older_seconds == 1_536


# --- what is no vault ---


def test_a_descriptor_of_single_keys_may_be_a_vault_in_wsh_alone() -> None:
    """Keys without children (docs/adr/0011): a vault of one address; in tr they are no vault's."""
    keys = ",".join(HEX[:3])
    answer = described(f"wsh(multi(2,{keys}))")
    assert (answer.threshold, answer.members) == (2, 3)
    assert answer.vault_allowed
    assert answer.descriptor == with_checksum(f"wsh(multi(2,{keys}))")
    assert answer.fingerprint == sha256(f"wsh(multi(2,{keys}))".encode())
    tree = f"tr({UNSPENDABLE_H.hex()},multi_a(2,{keys}))"
    refused = described(tree)
    assert not refused.vault_allowed
    assert [each.code for each in refused.objections] == ["descriptor-fixed-in-taproot"]
    assert refused.fingerprint == b""
    assert refused.descriptor == with_checksum(tree)


def test_sh_wsh_is_read_only() -> None:
    inner = f"wsh(multi(2,{','.join(HEX[:3])}))"
    nested, plain = described(f"sh({inner})"), described(inner)
    assert (nested.script_type, nested.vault_allowed) == ("p2sh", False)
    assert nested.paths[0].input_weight == plain.paths[0].input_weight + 4 * 35
    assert nested.scripts[0].script == plain.scripts[0].script


def test_an_insane_script_says_why() -> None:
    answer = described(f"wsh(or_i(pk({HEX[0]}),pk({HEX[0]})))")
    (script,) = answer.scripts
    assert (script.sane, list(script.insanities)) == (False, ["miniscript-key-repeated"])
    assert not answer.vault_allowed


def test_a_key_that_can_sign_alone_is_a_path() -> None:
    """tr(KEY,...) with an ordinary internal key: its holder needs nobody."""
    tree = f"multi_a(2,{HEX[1]},{HEX[2]})"
    answer = described(f"tr({HEX[0]},{tree})")
    (primary,) = answer.paths
    assert (primary.threshold, list(primary.fewest.members)) == (1, [2])
    assert list(primary.leaves) == [0]
    assert [[list(group.positions) for group in way.groups] for way in primary.ways] == [
        [[0, 1]],
        [[2]],
    ]
    assert primary.keys[-1].key == HEX[0]
    unspendable = described(f"tr({UNSPENDABLE_H.hex()},{tree})")
    assert (unspendable.threshold, unspendable.unspendable_internal_key) == (2, True)
    assert not answer.unspendable_internal_key
    assert not described(f"wsh(pk({HEX[0]}))").unspendable_internal_key
    child = f"tr({unspendable_xpub().text(REGTEST)}/<0;1>/*,{tree})"
    assert described(child).unspendable_internal_key
    alone = described(f"tr({HEX[0]})")
    assert (alone.threshold, len(alone.scripts)) == (1, 0)
    assert alone.paths[0].input_weight == 4 * 41 + 66


def test_without_a_primary_path_there_is_no_federation() -> None:
    answer = described(f"wsh(and_v(v:older(9),pk({HEX[0]})))", coin_height=5)
    assert [path.name for path in answer.paths] == ["recovery"]
    assert (answer.threshold, len(answer.earliest), len(answer.quorums)) == (0, 0, 0)


def test_what_is_too_complex_has_no_paths_and_says_so() -> None:
    pairs = [f"and_b(pk({10 + at}),s:pk({60 + at}))" for at in range(14)]
    names = {
        str(number): f"{XPUBS[number % 10]}/{number}/*"
        for number in (*range(10, 24), *range(60, 74))
    }
    text = f"thresh(7,{',a:'.join(pairs)})"
    for name, key in names.items():
        text = text.replace(f"pk({name})", f"pk({key})")
    tapscript = described(f"tr({UNSPENDABLE_H.hex()},{text})")
    assert len(tapscript.paths) == 0
    assert [each.code for each in tapscript.objections] == [
        "key-malformed",
        "script-too-many-ways",
    ]
    assert len(tapscript.scripts) == 1
    places = ",a:".join(
        f"and_b(pk({vault_key(at % 10, f'<{4 * at};{4 * at + 1}>')}),"
        f"s:pk({vault_key(at % 10, f'<{4 * at + 2};{4 * at + 3}>')}))"
        for at in range(14)
    )
    vault = described(f"tr({UNSPENDABLE_H.hex()},thresh(7,{places}))")
    assert [each.code for each in vault.objections] == ["script-too-many-ways"]


# --- bare scripts ---


def bare(**fields: object) -> pb.VerifyScriptResponse:
    return verified(script=pb.BareScript(**fields))


def test_a_witness_script_is_read_back() -> None:
    script = VAULT.script(0, 5).witness_script
    answer = bare(witness_script=script)
    assert (answer.threshold, answer.members, answer.script_type) == (2, 3, "p2wsh")
    assert answer.first_address == address_of(p2wsh(script), REGTEST)
    keys = sorted(key.pubkey.hex() for key in VAULT.script(0, 5).keys)
    assert answer.scripts[0].miniscript == f"multi(2,{','.join(keys)})"
    assert not answer.vault_allowed
    assert len(answer.matches) == 0


def test_a_bare_script_is_compared_with_what_it_should_be() -> None:
    keys = ",".join(key.pubkey.hex() for key in VAULT.script(0, 5).keys)
    derived = VAULT.script(0, 5)
    for miniscript, right in ((f"sortedmulti(2,{keys})", True), (f"sortedmulti(1,{keys})", False)):
        for field_name in ("witness_script", "script_pubkey"):
            script = getattr(derived, field_name)
            answer = bare(**{field_name: script}, miniscript=miniscript)
            assert list(answer.matches) == [right]


def test_a_leaf_is_read_back() -> None:
    leaf = federation.taproot_vault().script(0, 0).leaves[1]
    keys = ",".join(key.xonly.hex() for key in leaf.keys)
    miniscript = f"and_v(v:older(144),multi_a(1,{keys}))"
    answer = bare(leaf=leaf.script, miniscript=miniscript)
    assert list(answer.matches) == [True]
    assert answer.scripts[0].miniscript == miniscript
    assert (answer.paths[0].older_blocks, answer.first_address) == (144, "")


def test_a_script_pub_key_is_somebodys() -> None:
    room = Room()
    room.registry.cover(VAULT, 1, 0)
    script = VAULT.script(1, 7).script_pubkey
    request = pb.VerifyScriptRequest(script=pb.BareScript(script_pubkey=script))
    ours = verify_script(room, RELAYER, request.SerializeToString())
    assert (ours.owner.vault_id, ours.owner.branch, ours.owner.index) == (
        "peg",
        t.BRANCH_CHANGE,
        7,
    )
    assert (ours.script_type, ours.first_address) == ("p2wsh", address_of(script, REGTEST))
    stranger = bare(script_pubkey=p2wsh(b"\x51"))
    assert not stranger.HasField("owner")
    assert (len(stranger.paths), stranger.script_type) == (0, "p2wsh")
    payload = bare(script_pubkey=b"\x6a\x01\x01")
    assert (payload.script_type, payload.first_address) == ("op_return", "")


# --- refusals ---


def test_requests_that_say_nothing_or_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused() == "request-malformed"
    assert refused(script=pb.BareScript()) == "request-malformed"
    witness_script = VAULT.script(0, 0).witness_script
    expected = [pb.ExpectedScript(branch=t.BRANCH_RECEIVE, script=b"\x51")]
    both = {"script": pb.BareScript(witness_script=witness_script), "expected": expected}
    assert refused(**both) == "request-malformed"
    assert refused(vault_id="nobody") == "vault-unknown"
    names = pb.BareScript(witness_script=witness_script, miniscript="pk(alice)")
    assert refused(script=names) == "request-malformed"
    assert refused(script=pb.BareScript(witness_script=b"\xff")) == "script-not-miniscript"
    monkeypatch.setitem(bare_scripts.MAX_SCRIPT, "witness_script", len(witness_script))
    assert bare(witness_script=witness_script).threshold == 2
    assert refused(script=pb.BareScript(witness_script=witness_script + b"\x00")) == (
        "request-malformed"
    )


def test_derivations_are_bounded() -> None:
    expected = [pb.ExpectedScript(branch=t.BRANCH_RECEIVE, index=1, script=b"\x51")]
    assert list(verified(vault_id="peg", expected=expected * 249).matches) == [False] * 249
    assert refused(vault_id="peg", expected=expected * 250) == "request-malformed"
    unspecified = [pb.ExpectedScript(index=1, script=b"\x51")]
    assert refused(vault_id="peg", expected=unspecified) == "request-malformed"
