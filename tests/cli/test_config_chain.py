"""`[chain]`: exact, bounded, and on mainnet no weaker than it may be."""

import json
from pathlib import Path

import pytest

from signer.bitcoin.checkpoint import Checkpoint
from signer.bitcoin.hashes import hash256
from signer.bitcoin.tail import MEDIAN_OF
from signer.config import KernelConfig
from signer.config_chain import MAINNET_LEAST_WORK, ChainConfig
from tests.bitcoin.mined import EASY_REGTEST, begun, grown
from tests.cli.test_config import GOOD, load, refused

FEEDERS = """
[callers.indexer]
spki = ["33"]
roles = ["indexer"]
[callers.officer]
spki = ["44"]
roles = ["officer"]
""".replace('"33"', f'"{"33" * 32}"').replace('"44"', f'"{"44" * 32}"')
CHAIN = '[chain]\nsources = ["relayer", "indexer"]\n'
TEXT = GOOD + FEEDERS + CHAIN
PLAIN_MAINNET = TEXT.replace('"regtest"', '"mainnet"').replace(
    'name = "alice"', 'name = "alice"\ni_understand_mainnet_is_real_money = true'
)


def chain_of(config: KernelConfig) -> ChainConfig:
    assert config.chain is not None
    return config.chain


def test_without_the_table_there_is_no_chain(tmp_path: Path) -> None:
    assert load(tmp_path).chain is None


def test_two_sources_are_all_that_must_be_said(tmp_path: Path) -> None:
    assert chain_of(load(tmp_path, TEXT)) == ChainConfig(
        sources=("relayer", "indexer"),
        sources_needed=2,
        depth=144,
        least_work=0,
        max_tip_age=14_400,
        max_silence=7_200,
        max_pace=None,
        follow=b"",
        checkpoint=None,
    )


def test_everything_can_be_said(tmp_path: Path) -> None:
    said = """
sources_needed = 1
depth = 6
least_work = "ff"
max_tip_age_seconds = 60
max_silence_seconds = 61
max_pace_seconds = 62
follow = "0102"
""".replace("0102", "01" * 31 + "02")
    assert chain_of(load(tmp_path, TEXT + said)) == ChainConfig(
        ("relayer", "indexer"), 1, 6, 255, 60, 61, 62, b"\x02" + b"\x01" * 31, None
    )


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('["relayer", "indexer"]\n', '["relayer", "nobody"]\n', "chain.sources"),
        ('["relayer", "indexer"]\n', '["relayer", "officer"]\n', "chain.sources"),
        ('["relayer", "indexer"]\n', '["relayer", "relayer"]\n', "chain.sources"),
        ('["relayer", "indexer"]\n', "[]\n", "chain.sources"),
        ('["relayer", "indexer"]\n', '["relayer"]\n', "chain.sources_needed"),
        (CHAIN, CHAIN + "sources_needed = 0\n", "chain.sources_needed"),
        (CHAIN, CHAIN + "sources_needed = 3\n", "chain.sources_needed"),
        (CHAIN, CHAIN + "depth = 0\n", "chain.depth"),
        (CHAIN, CHAIN + 'least_work = "0x10"\n', "chain.least_work"),
        (CHAIN, CHAIN + "least_work = 16\n", "chain.least_work"),
        (CHAIN, CHAIN + f'least_work = "1{"0" * 64}"\n', "chain.least_work"),
        (CHAIN, CHAIN + "max_tip_age_seconds = 0\n", "chain.max_tip_age_seconds"),
        (CHAIN, CHAIN + "max_silence_seconds = -1\n", "chain.max_silence_seconds"),
        (CHAIN, CHAIN + "max_pace_seconds = 0\n", "chain.max_pace_seconds"),
        (CHAIN, CHAIN + 'follow = "00"\n', "chain.follow"),
        (CHAIN, CHAIN + "checkpoint = 2016\n", "chain.checkpoint"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, old: str, new: str, key: str) -> None:
    head, _, table = TEXT.partition("[chain]")
    refusal = refused(tmp_path, head + ("[chain]" + table).replace(old, new, 1))
    assert refusal.code == "config-value"
    assert f"`{key}`" in refusal.objections[0].detail


def test_an_unknown_and_a_missing_key_are_named(tmp_path: Path) -> None:
    refusal = refused(tmp_path, TEXT + "source = 1\n")
    assert (refusal.code, "`chain.source`" in str(refusal)) == ("config-key-unknown", True)
    refusal = refused(tmp_path, GOOD + FEEDERS + "[chain]\ndepth = 6\n")
    assert (refusal.code, "`chain.sources`" in str(refusal)) == ("config-key-missing", True)


def checkpoint_table(**changed: object) -> str:
    _, tail = begun(EASY_REGTEST)
    raws = grown(EASY_REGTEST, tail, [600] * MEDIAN_OF)
    said: dict[str, object] = {
        "height": 2_016,
        "hash": hash256(raws[-1])[::-1].hex(),
        "chainwork": f"{1 << 40:064x}",
        "headers": b"".join(raws).hex(),
    } | changed
    lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
    return "[chain.checkpoint]\n" + "\n".join(lines) + "\n"


def checkpoint_text(**changed: object) -> str:
    return TEXT + checkpoint_table(**changed)


def mainnet(more: str = "") -> str:
    """With that in [chain], and a checkpoint: it is trusted, whatever its headers' difficulty."""
    return PLAIN_MAINNET + more + checkpoint_table(chainwork=f"{MAINNET_LEAST_WORK:x}")


def test_one_source_is_enough_where_it_is_said_and_not_on_mainnet(tmp_path: Path) -> None:
    assert chain_of(load(tmp_path, TEXT + "sources_needed = 1\n")).sources_needed == 1
    refusal = refused(tmp_path, mainnet("sources_needed = 1\n"))
    assert refusal.code == "config-value"
    assert chain_of(load(tmp_path, mainnet())).sources_needed == 2


def test_on_mainnet_the_least_work_is_bitcoins_or_more(tmp_path: Path) -> None:
    assert chain_of(load(tmp_path, mainnet())).least_work == MAINNET_LEAST_WORK
    more, less = MAINNET_LEAST_WORK + 1, MAINNET_LEAST_WORK - 1
    said = mainnet(f'least_work = "{more:x}"\n')
    assert chain_of(load(tmp_path, said)).least_work == more
    refusal = refused(tmp_path, mainnet(f'least_work = "{less:x}"\n'))
    assert refusal.code == "config-value"
    assert "`chain.least_work`" in str(refusal)


def test_only_regtest_starts_at_genesis(tmp_path: Path) -> None:
    """From genesis on headers cost nearly nothing."""
    assert chain_of(load(tmp_path, TEXT)).checkpoint is None
    refusal = refused(tmp_path, PLAIN_MAINNET)
    assert refusal.code == "config-value"
    assert "`chain.checkpoint`" in str(refusal)
    for name in ("testnet4", "signet"):
        network = TEXT.replace('"regtest"', f'"{name}"')
        assert refused(tmp_path, network).code == "config-value"
        assert chain_of(load(tmp_path, network + checkpoint_table())).checkpoint is not None


def test_mainnets_checkpoint_is_no_old_one(tmp_path: Path) -> None:
    """From an old one on headers cost little, and are many."""
    least = MAINNET_LEAST_WORK * 19 // 20
    for work, is_taken in ((least, True), (least - 1, False)):
        text = PLAIN_MAINNET + checkpoint_table(chainwork=f"{work:x}")
        if is_taken:
            assert chain_of(load(tmp_path, text)).checkpoint is not None
        else:
            assert "too old" in str(refused(tmp_path, text))


def test_mainnet_has_a_pace(tmp_path: Path) -> None:
    assert chain_of(load(tmp_path, mainnet())).max_pace == 172_800
    assert chain_of(load(tmp_path, mainnet("max_pace_seconds = 259200\n"))).max_pace == 259_200
    assert chain_of(load(tmp_path, TEXT)).max_pace is None


def test_a_checkpoint_is_read_as_a_node_shows_it(tmp_path: Path) -> None:
    found = chain_of(load(tmp_path, checkpoint_text())).checkpoint
    assert isinstance(found, Checkpoint)
    assert (found.height, found.work, len(found.headers)) == (2_016, 1 << 40, 880)
    assert found.hash == hash256(found.headers[-80:])


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("height", 2_017, "checkpoint-height"),
        ("height", 0, "chain.checkpoint.height"),
        ("hash", "00" * 32, "checkpoint-headers"),
        ("hash", "00" * 31, "chain.checkpoint.hash"),
        ("chainwork", "1", "checkpoint-work"),
        ("headers", "00" * 880, "checkpoint-headers"),
        ("headers", "0", "chain.checkpoint.headers"),
    ],
)
def test_a_wrong_checkpoint_is_refused(tmp_path: Path, key: str, value: object, said: str) -> None:
    refusal = refused(tmp_path, checkpoint_text(**{key: value}))
    assert refusal.code == "config-value"
    assert said in refusal.objections[0].detail


@pytest.mark.parametrize("key", ["height", "hash", "chainwork", "headers"])
def test_a_checkpoint_has_all_of_it(tmp_path: Path, key: str) -> None:
    lines = [line for line in checkpoint_text().splitlines() if not line.startswith(f"{key} =")]
    refusal = refused(tmp_path, "\n".join(lines) + "\n")
    assert refusal.code == "config-key-missing"
    assert f"`chain.checkpoint.{key}`" in str(refusal)
