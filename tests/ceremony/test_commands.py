"""`pegwarden key ceremony`: the whole of it, from three people's entropy to a key that is derived again."""

from pathlib import Path

import pytest

from keystore.sealed import KeyFile, open_sealed
from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.vault_key import VaultKey
from tests.ceremony import second
from tests.ceremony.rounds import samples_of
from tests.cli.desk import Desk, Said, run
from tests.officers import SshOfficer

PEOPLE = ("alice", "bob", "machine")


class Table:
    """The files of a ceremony, and the command."""

    def __init__(self, folder: Path, desk: Desk) -> None:
        self.folder, self.desk = folder, desk
        self.passphrase = self.secret("passphrase", "correct horse\n")

    def __call__(self, *arguments: object) -> Said:
        return self.desk("key", "ceremony", *arguments)

    def at(self, name: str) -> Path:
        return self.folder / name

    def secret(self, name: str, text: str) -> Path:
        path = self.at(name)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def commits(self, *people: str) -> list[Path]:
        for each in people:
            said = self("commit", "vault-1", each, self.at(each), "--network", "regtest")
            assert said.status == 0, said
        return [self.at(f"{each}.commitment") for each in people]

    def opens(self, who: str, commitments: list[Path]) -> Said:
        given = ("--contributor", who, "--secret", self.at(f"{who}.secret"))
        return self("open", *commitments, *given, "--out", self.at(f"{who}.opening"))

    def opening_options(self, *people: str) -> list[object]:
        return [part for each in people for part in ("--opening", self.at(f"{each}.opening"))]

    def witnesses(self, *names: str) -> list[object]:
        for name in names:
            self.at(f"{name}.pub").write_text(SshOfficer(name).line + "\n")
        return [part for name in names for part in ("--witness", self.at(f"{name}.pub"))]

    def derives(self, commitments: list[Path], *people: str) -> Said:
        options = [*self.opening_options(*people), *self.witnesses("eve", "frank")]
        out = ("--out", self.at("transcript"), "--passphrase-file", self.passphrase)
        return self("derive", self.at("vault.json"), *commitments, *options, *out)

    def signs(self, *names: str) -> list[object]:
        """What `ssh-keygen` makes of the transcript."""
        text, options = self.at("transcript").read_text(), []
        for name in names:
            self.at(f"{name}.sig").write_bytes(SshOfficer(name).signature(text))
            options += ["--signed", self.at(f"{name}.pub"), self.at(f"{name}.sig")]
        return options


@pytest.fixture
def table(tmp_path: Path, desk: Desk) -> Table:
    return Table(tmp_path, desk)


@pytest.fixture
def held(table: Table) -> Table:
    """A ceremony up to its signed transcript."""
    commitments = table.commits(*PEOPLE)
    for each in PEOPLE:
        assert table.opens(each, commitments).status == 0
    assert table.derives(commitments, *PEOPLE).status == 0
    signed = table(
        "witness", table.at("transcript"), *table.signs("eve", "frank"), "--out", table.at("signed")
    )
    assert signed.status == 0, signed
    return table


def test_the_key_of_a_ceremony_is_sealed_unbound_and_derived_again(held: Table) -> None:
    said = held("verify", held.at("signed"), *held.opening_options(*PEOPLE), "--json")
    assert (said.status, said.json["derivation"]) == (0, "repeated")
    without = held("verify", held.at("signed"))
    assert (without.status, "derivation  not asked" in without.out) == (0, True)
    texts = {each: held.at(f"{each}.commitment").read_text() for each in PEOPLE}
    secrets = {each: bytes.fromhex(held.at(f"{each}.secret").read_text()) for each in PEOPLE}
    seed = second.seed(texts, secrets)
    assert said.json["key"] == second.key_text(seed)
    assert said.json["round"] == second.round_digest(texts).hex()
    with Secret(b"correct horse") as passphrase:
        opened = open_sealed(KeyFile(held.at("vault.json"), passphrase))
    assert bytes(opened.secret.expose(UNSAFE_EXPOSE)) == seed
    key = VaultKey(opened)
    assert (key.text, key.binding) == (said.json["key"], None)


def test_no_secret_is_in_what_is_for_everybody_or_on_the_terminal(table: Table) -> None:
    said = table("commit", "vault-1", "alice", table.at("alice"), "--network", "regtest", "--json")
    secret = table.at("alice.secret")
    digits = secret.read_text().strip()
    assert secret.stat().st_mode & 0o777 == 0o600
    assert digits not in said.out + said.err + table.at("alice.commitment").read_text()
    commitments = [table.at("alice.commitment"), *table.commits("machine")]
    opened = table.opens("alice", commitments)
    assert opened.status == 0
    assert digits not in opened.out + opened.err
    assert table.at("alice.opening").stat().st_mode & 0o777 == 0o600


def test_nothing_is_derived_of_openings_that_are_not_whole(table: Table) -> None:
    commitments = table.commits(*PEOPLE)
    for each in PEOPLE:
        assert table.opens(each, commitments).status == 0
    some = table.derives(commitments, *PEOPLE[:2])
    assert (some.status, "ceremony-incomplete" in some.err) == (1, True)
    assert not table.at("vault.json").exists()
    swapped = table.at("bob.opening").read_text().replace("contributor: bob", "contributor: alice")
    table.secret("alice.opening", swapped)
    wrong = table.derives(commitments, *PEOPLE)
    assert (wrong.status, "ceremony-commitment-differs" in wrong.err) == (1, True)
    table.at("alice.opening").unlink()
    assert table.opens("alice", commitments).status == 0
    assert table.derives(commitments, *PEOPLE).status == 0
    again = table.derives(commitments, *PEOPLE)
    assert (again.status, "key-file-exists" in again.err) == (1, True)


def test_an_opening_is_for_one_round(table: Table) -> None:
    """A contributor opens for the commitments that were shown, not for others that come later."""
    commitments = table.commits(*PEOPLE)
    for each in PEOPLE[:2]:
        assert table.opens(each, commitments).status == 0
    table.at("machine.commitment").unlink()
    table.at("machine.secret").unlink()
    assert table.commits("machine") == commitments[2:]
    assert table.opens("machine", commitments).status == 0
    said = table.derives(commitments, *PEOPLE)
    assert (said.status, "ceremony-commitment-differs" in said.err) == (1, True)


def test_a_transcript_of_another_key_is_told_by_the_openings(held: Table) -> None:
    """A machine that sealed another seed than the one contributed: witnesses sign what they are shown, the
    openings tell."""
    text = held.at("transcript").read_text()
    other = second.key_text(bytes(32))
    key = next(line for line in text.split("\n") if line.startswith("key: "))
    held.at("transcript").write_text(text.replace(key, f"key: {other}"))
    options = held.signs("eve", "frank")
    out = ("--out", held.at("forged"))
    assert held("witness", held.at("transcript"), *options, *out).status == 0
    said = held("verify", held.at("forged"), *held.opening_options(*PEOPLE))
    assert (said.status, "ceremony-seed-differs" in said.err) == (1, True)
    assert held("verify", held.at("forged")).status == 0


def test_a_transcript_without_a_witness_is_refused(held: Table) -> None:
    out = ("--out", held.at("other"))
    said = held("witness", held.at("transcript"), *held.signs("eve"), *out)
    assert (said.status, "ceremony-unwitnessed" in said.err) == (1, True)
    assert held("verify", held.at("transcript")).status == 1
    assert held("verify", held.at("signed")).status == 0


def test_dice_are_rolled_or_refused(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    rolls = samples_of("bob", "dice").decode()
    given = ("--network", "regtest", "--source", "dice", "--dice-file")
    spaced = table.secret("rolls", " ".join(rolls) + "\n")
    assert table("commit", "vault-1", "bob", table.at("bob"), *given, spaced).status == 0
    assert table.at("bob.secret").read_text().strip() == second.contribution(rolls.encode()).hex()
    for name, text in (("few", rolls[:119]), ("six", "6" * 120), ("seven", rolls[:-1] + "7")):
        said = table("commit", "vault-1", name, table.at(name), *given, table.secret(name, text))
        assert (said.status, "ceremony-entropy-weak" in said.err) == (1, True)
        assert not table.at(f"{name}.secret").exists()
    monkeypatch.setattr("keystore.passphrase.getpass", lambda _: rolls)
    prompted = table("commit", "vault-1", "eve", table.at("eve"), *given[:-1])
    assert prompted.status == 0
    assert table.at("eve.secret").read_text() == table.at("bob.secret").read_text()


def test_what_is_given_is_looked_at(table: Table) -> None:
    commitments = table.commits(*PEOPLE)
    net = ("--network", "regtest")
    assert table("commit", "Vault 1", "alice", table.at("x"), *net).status == 2
    assert table("commit", "vault-1", "a/b", table.at("x"), *net).status == 2
    assert table("commit", "vault-1", "alice", table.at("x"), *net, "--source", "token").status == 2
    assert table("commit", "vault-1", "alice", table.at("alice"), *net).status == 3  # it exists
    for text in ("zz" * 32, "00" * 31, "00" * 33):
        table.secret("bob.secret", text + "\n")
        said = table.opens("bob", commitments)
        assert (said.status, "ceremony-malformed" in said.err) == (1, True)
    for content in (b"\xff\n", b"x" * 70_000):
        table.at("odd").write_bytes(content)
        said = table.opens("alice", [*commitments, table.at("odd")])
        assert (said.status, "ceremony-malformed" in said.err) == (1, True)
    assert table.opens("alice", commitments).status == 0
    table.at("bob.opening").write_bytes(b"\xff\n")
    table.at("bob.opening").chmod(0o600)
    said = table.derives(commitments, "alice", "bob")
    assert (said.status, "ceremony-malformed" in said.err) == (1, True)


def test_in_a_process_of_its_own(table: Table) -> None:
    """As people run it: with the memory of the command closed to others."""
    place = table.commits("alice", "machine")
    given = ("--contributor", "alice", "--secret", table.at("alice.secret"))
    said = run("key", "ceremony", "open", *place, *given, "--out", table.at("alice.opening"))
    assert said.status == 0, said
