"""The edge of a member's configuration reads its TLS files again, and tells the days of all that it uses."""

from pathlib import Path

import pytest

from signer.cli.certificates import make_authority
from signer.config import load_config
from signer.core.errors import Refusal
from signer.front import edge_setting
from tests.cli.desk import Desk, MemberPlace

PEERS = """
[agreement.peers.bob]
address = "127.0.0.1:1"

[agreement.identity]
certificate = "tls/peer.pem"
key = "tls/peer.key"
ca = "tls/peers-ca.pem"
"""


def renew(folder: Path, stem: str) -> bytes:
    """Put another certificate and its key there."""
    issued = make_authority("other").issue_server("renewed", ("localhost",))
    (folder / f"{stem}.pem").write_bytes(issued.certificate_pem)
    (folder / f"{stem}.key").write_bytes(issued.key_pem)
    return issued.certificate_pem


def test_what_stands_in_the_files_now_is_read(fresh: MemberPlace) -> None:
    setting = edge_setting(load_config(fresh.config))
    assert setting.reread is not None
    assert setting.reread() == setting.tls
    assert setting.dated == {}
    renewed = renew(fresh.directory / "tls", "server")
    assert setting.reread().certificate == renewed
    (fresh.directory / "tls" / "server.key").unlink()
    with pytest.raises(Refusal) as caught:
        setting.reread()
    assert caught.value.code == "tls-file-unreadable"


def test_config_check_finds_a_key_of_another_certificate(
    member: MemberPlace, pegwarden: Desk
) -> None:
    assert pegwarden("config", "check", "--config", member.config).status == 0
    key = (member.directory / "tls" / "server.key").read_bytes()
    renew(member.directory / "tls", "server")
    (member.directory / "tls" / "server.key").write_bytes(key)
    said = pegwarden("config", "check", "--config", member.config)
    assert (said.status, "the private key is not the certificate's" in said.out) == (1, True)


def test_certificates_of_peers_are_dated(fresh: MemberPlace) -> None:
    fresh.config.write_text(fresh.config.read_text() + PEERS)
    own = renew(fresh.directory / "tls", "peer")
    authority = make_authority("peers").issued.certificate_pem
    (fresh.directory / "tls" / "peers-ca.pem").write_bytes(authority)
    setting = edge_setting(load_config(fresh.config))
    assert setting.dated == {"peer": own, "peers-authority": authority}
