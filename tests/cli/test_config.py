"""The configuration: exact, and every error names file and key."""

from pathlib import Path

import pytest

from signer.bitcoin.network import MAINNET, REGTEST
from signer.config import KernelConfig, load_config
from signer.config_processes import ProcessesConfig
from signer.config_token import TokenConfig, required_token
from signer.core.caller import Role
from signer.core.errors import Refusal
from signer.edge.limits import EdgeLimits

SPKI, OTHER = "11" * 32, "22" * 32
GOOD = f"""
format = "pegwarden-config/1"
name = "alice"
network = "regtest"
listen = "127.0.0.1:50551"
policy = "policy.toml"
journal = "data/journal.sqlite"
[keys]
identity = "keys/identity.json"
vaults = ["keys/vault.json"]
[tls]
certificate = "tls/server.pem"
key = "tls/server.key"
client_ca = "/etc/ca.pem"
[metrics]
listen = "127.0.0.1:9551"
[limits]
calls = 7
[callers.relayer]
spki = ["{SPKI}", "{OTHER}"]
roles = ["relayer", "indexer"]
"""


def load(folder: Path, text: str = GOOD) -> KernelConfig:
    path = folder / "member.toml"
    path.write_text(text)
    return load_config(path)


def refused(folder: Path, text: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        load(folder, text)
    assert "member.toml" in str(caught.value) or caught.value.code == "mainnet-not-confirmed"
    return caught.value


def test_a_good_configuration_is_read_whole(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert (config.name, config.network) == ("alice", REGTEST)
    assert str(config.listen) == "127.0.0.1:50551"
    assert str(config.metrics) == "127.0.0.1:9551"
    assert config.journal == tmp_path / "data" / "journal.sqlite"
    assert config.tls.client_ca == Path("/etc/ca.pem")
    assert config.keys.vaults == (tmp_path / "keys" / "vault.json",)
    assert config.limits.calls == 7
    assert config.limits.threads == EdgeLimits().threads
    assert config.callers[0].spki == (bytes.fromhex(SPKI), bytes.fromhex(OTHER))
    assert config.callers[0].roles == {Role.RELAYER, Role.INDEXER}
    assert not config.development
    assert not config.without_consensus_gate


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('name = "alice"', 'name = "alice"\nnmae = 1', "nmae"),
        ("calls = 7", "cals = 7", "limits.cals"),
        ('key = "tls/server.key"', 'key = "k"\nkeys = "k"', "tls.keys"),
        ('roles = ["relayer", "indexer"]', 'roles = ["relayer"]\nrole = 1', "callers.relayer.role"),
        ('identity = "keys/identity.json"', 'identity = "i"\nx = 1', "keys.x"),
        ('listen = "127.0.0.1:9551"', 'listen = "127.0.0.1:9551"\nport = 1', "metrics.port"),
    ],
)
def test_an_unknown_key_is_named(tmp_path: Path, old: str, new: str, key: str) -> None:
    refusal = refused(tmp_path, GOOD.replace(old, new))
    assert refusal.code == "config-key-unknown"
    assert f"`{key}`" in refusal.objections[0].detail


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('name = "alice"', "name"),
        ('network = "regtest"', "network"),
        ('identity = "keys/identity.json"', "keys.identity"),
        ('key = "tls/server.key"', "tls.key"),
        (f'spki = ["{SPKI}", "{OTHER}"]', "callers.relayer.spki"),
    ],
)
def test_a_missing_key_is_named(tmp_path: Path, line: str, key: str) -> None:
    refusal = refused(tmp_path, GOOD.replace(line + "\n", ""))
    assert refusal.code == "config-key-missing"
    assert f"`{key}`" in refusal.objections[0].detail


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("pegwarden-config/1", "pegwarden-config/2", "format"),
        ('name = "alice"', 'name = "Alice Smith"', "name"),
        ('name = "alice"', "name = 7", "name"),
        ('"regtest"', '"regnet"', "network"),
        ('"127.0.0.1:50551"', '"localhost:50551"', "listen"),
        ('"127.0.0.1:9551"', '"0.0.0.0:9551"', "metrics.listen"),
        ('["keys/vault.json"]', '"keys/vault.json"', "keys.vaults"),
        ('["keys/vault.json"]', "[]", "keys.vaults"),
        ('["keys/vault.json"]', "[1]", "keys.vaults"),
        ("calls = 7", "calls = 0", "limits.calls"),
        ("calls = 7", "calls = true", "limits.calls"),
        ("calls = 7", "calls = 7.5", "limits.calls"),
        ('"indexer"]', '"root"]', "callers.relayer.roles"),
        (SPKI, "11" * 31, "callers.relayer.spki"),
        (SPKI, OTHER, "callers.relayer.spki"),
        (f'"{OTHER}"', f'"{OTHER}", "{"33" * 32}"', "callers.relayer.spki"),
        ("[callers.relayer]", '[callers."a relayer"]', "callers.a relayer"),
        ('format = "peg', 'development = "yes"\nformat = "peg', "development"),
        ('format = "peg', 'i_understand_mainnet_is_real_money = true\nformat = "peg', "i_under"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, old: str, new: str, key: str) -> None:
    refusal = refused(tmp_path, GOOD.replace(old, new, 1))
    assert refusal.code == "config-value"
    assert f"`{key}" in refusal.objections[0].detail


def test_one_process_or_two(tmp_path: Path) -> None:
    assert load(tmp_path).processes is None
    text = GOOD + '[processes]\nsockets = "run"\n'
    found = load(tmp_path, text).processes
    assert found == ProcessesConfig(tmp_path / "run", None)
    assert found.kernel_socket == tmp_path / "run" / "kernel.sock"
    named = 'edge_user = "e"\nkernel_user = "s"\n'
    found = load(tmp_path, text + named).processes
    assert found == ProcessesConfig(tmp_path / "run", "e", None, "s")
    more = 'keeper_user = "k"\nunsafe_open_room = true\nunsafe_unlocked_memory = true\n'
    found = load(tmp_path, text + named + more).processes
    assert found == ProcessesConfig(
        tmp_path / "run", "e", "k", "s", open_room=True, unlocked_memory=True
    )
    assert found.keeper_socket == tmp_path / "run" / "keeper.sock"
    assert load(tmp_path, text + named + more + TOKEN).token is not None


@pytest.mark.parametrize(
    ("named", "rest", "missing"),
    [
        (("edge_user",), "", "kernel_user"),
        (("kernel_user",), "", "edge_user"),
        (("keeper_user",), "", "kernel_user"),
        (("kernel_user", "keeper_user"), "", "edge_user"),
        (("kernel_user", "edge_user"), "token", "keeper_user"),
    ],
)
def test_where_one_process_has_a_user_all_have(
    named: tuple[str, ...], rest: str, missing: str, tmp_path: Path
) -> None:
    users = "".join(f'{key} = "{key[:6]}"\n' for key in named)
    refusal = refused(tmp_path, GOOD + PROCESSES + users + (TOKEN if rest else ""))
    assert refusal.code == "config-value"
    assert f"`processes.{missing}`" in refusal.objections[0].detail


PROCESSES = '[processes]\nsockets = "run"\n'
TOKEN = '[token]\nmodule = "/lib/token.so"\nlabel = "a"\n'


def test_a_token_is_named_completely(tmp_path: Path) -> None:
    assert load(tmp_path).token is None
    found = load(tmp_path, GOOD + PROCESSES + TOKEN).token
    assert found == TokenConfig("/lib/token.so", "a", 2, 1, 10)
    more = "keepers = 16\nanswer_seconds = 2\nsign_seconds = 3\n"
    found = load(tmp_path, GOOD + PROCESSES + TOKEN + more).token
    assert found == TokenConfig("/lib/token.so", "a", 16, 2, 3)
    assert required_token(found, tmp_path) is found
    with pytest.raises(Refusal) as caught:
        required_token(None, tmp_path)
    assert caught.value.code == "config-key-missing"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (TOKEN, "config-value"),
        (PROCESSES + '[token]\nlabel = "a"\n', "config-key-missing"),
        (PROCESSES + TOKEN + "pin = 1234\n", "config-key-unknown"),
        (PROCESSES + TOKEN + "keepers = 17\n", "config-value"),
        (PROCESSES + TOKEN + "answer_seconds = 10\n", "config-value"),
    ],
)
def test_a_token_s_table_is_as_exact_as_the_rest(tmp_path: Path, told: str, code: str) -> None:
    assert refused(tmp_path, GOOD + told).code == code


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("[processes]\n", "config-key-missing"),
        ('[processes]\nsockets = "run"\nuser = "edge"\n', "config-key-unknown"),
        ('[processes]\nsockets = "run"\nedge_user = 1\n', "config-value"),
    ],
)
def test_processes_are_as_exact_as_the_rest(tmp_path: Path, told: str, code: str) -> None:
    assert refused(tmp_path, GOOD + told).code == code


def test_two_callers_do_not_share_a_key(tmp_path: Path) -> None:
    again = f'[callers.indexer]\nspki = ["{SPKI}"]\nroles = ["indexer"]\n'
    assert refused(tmp_path, GOOD + again).code == "config-value"
    load(tmp_path, GOOD + again.replace(SPKI, "33" * 32))


def test_metrics_leave_the_machine_only_by_name(tmp_path: Path) -> None:
    beyond = GOOD.replace('"127.0.0.1:9551"', '"0.0.0.0:9551"\nunsafe_beyond_loopback = true')
    assert str(load(tmp_path, beyond).metrics) == "0.0.0.0:9551"


def test_mainnet_needs_the_operators_word(tmp_path: Path) -> None:
    mainnet = GOOD.replace('"regtest"', '"mainnet"')
    assert refused(tmp_path, mainnet).code == "mainnet-not-confirmed"
    said = mainnet.replace("format", "i_understand_mainnet_is_real_money = true\nformat", 1)
    assert load(tmp_path, said).network is MAINNET
    assert refused(tmp_path, said.replace("true", "false", 1)).code == "mainnet-not-confirmed"


@pytest.mark.parametrize("text", ["name = ", "a = 1\na = 2", "x = " + "[" * 5_000, '"\ud800"'])
def test_what_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "member.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(Refusal) as caught:
        load_config(path)
    assert caught.value.code == "config-syntax"


def test_an_unreadable_or_huge_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path, Path("/dev/zero")):
        with pytest.raises(Refusal) as caught:
            load_config(path)
        assert caught.value.code == "config-unreadable"


AGREEMENT = """
[agreement]
wait_seconds = 0
timeout_seconds = 30
[agreement.peers.bob]
address = "127.0.0.1:50552"
[agreement.identity]
certificate = "tls/peer.pem"
key = "tls/peer.key"
ca = "tls/peers-ca.pem"
"""


def test_how_a_member_waits_and_whom_it_carries_to(tmp_path: Path) -> None:
    alone, told = load(tmp_path).agreement, load(tmp_path, GOOD + AGREEMENT).agreement
    assert (alone.wait_seconds, alone.timeout_seconds, alone.peers) == (2, 120, ())
    assert alone.identity is None
    assert (told.wait_seconds, told.timeout_seconds, told.every_seconds) == (0, 30, 1)
    assert [(peer.name, str(peer.address)) for peer in told.peers] == [("bob", "127.0.0.1:50552")]
    assert told.identity is not None
    assert told.identity.client_ca == tmp_path / "tls" / "peers-ca.pem"
    for old, new, code in (
        ("wait_seconds = 0", "wait_seconds = -1", "config-value"),
        ("timeout_seconds = 30", "timeout_seconds = 0", "config-value"),
        ('"127.0.0.1:50552"', '"bob:50552"', "config-value"),
        ('ca = "tls/peers-ca.pem"', "", "config-key-missing"),
        ("[agreement.peers.bob]\naddress", "[agreement.mates.bob]\naddress", "config-key-unknown"),
    ):
        assert refused(tmp_path, GOOD + AGREEMENT.replace(old, new)).code == code
