"""Certificates are renewed while the edge serves. Invariant: files that do not fit change nothing."""

import socket
import ssl
import time
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from prometheus_client import CollectorRegistry, generate_latest

from signer.cli.certificates import Issued
from signer.core.errors import Objection, Refusal
from signer.edge import tls
from signer.edge.callers import spki_sha256
from signer.edge.fitting import TlsFiles, fitting
from signer.edge.tls import CertificateDays, Renewal, days_left
from tests.edge.lobby import (
    INDEXER,
    OTHER_AUTHORITY,
    SERVER,
    EchoKernel,
    Lobby,
    failure_of,
    path_of,
    served,
    setting,
)
from tests.edge.tls_files import (
    CA,
    FIRST_FILES,
    FITS,
    FOREIGN,
    MISFITS,
    NAMED,
    OTHER_CA,
    OVER,
    SECOND,
    SECOND_FILES,
    SERVING,
    curve,
    of_key,
    server_of,
)

METHOD = "GetInfo"


class Shelf:
    """The files, as they are now."""

    def __init__(self) -> None:
        self.files = FIRST_FILES

    def __call__(self) -> TlsFiles:
        return self.files


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Events of the log."""
    events: list[str] = []
    monkeypatch.setattr(tls, "log_event", lambda event, **_: events.append(event))
    return events


def shown_key(lobby: Lobby, folder: Path, who: Issued = INDEXER) -> bytes:
    """The public key of the certificate that a new connection is shown."""
    (folder / "cert").write_bytes(who.certificate_pem + who.key_pem)
    context = ssl.create_default_context(cadata=CA.decode())
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(folder / "cert")
    with (
        socket.create_connection(("127.0.0.1", lobby.port), timeout=15) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        shown = secured.getpeercert(binary_form=True)
    assert shown is not None
    return spki_sha256(x509.load_der_x509_certificate(shown))


def test_a_renewed_certificate_is_shown_to_who_connects_next(
    tmp_path: Path, said: list[str]
) -> None:
    shelf = Shelf()
    with (
        served(EchoKernel(), replace(setting(), reread=shelf)) as lobby,
        lobby.channel(INDEXER) as old,
    ):
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = old.unary_unary(path_of(METHOD))
        assert call(b"before", timeout=15) == b"before"
        assert shown_key(lobby, tmp_path) == SERVER.spki
        shelf.files = SECOND_FILES
        assert shown_key(lobby, tmp_path) == SECOND.spki
        assert call(b"after", timeout=15) == b"after", "open connections live on"
        assert lobby.call(INDEXER, METHOD, b"new") == b"new"
        with lobby.channel(None) as nobody:
            late = failure_of(lambda: nobody.unary_unary(path_of(METHOD))(b"", timeout=5))
        assert late.code() is grpc.StatusCode.UNAVAILABLE, "a client certificate is still asked for"
    assert said == ["tls-renewed"]


def test_a_renewed_authority_admits_and_the_old_one_no_more(said: list[str]) -> None:
    shelf = Shelf()
    with served(EchoKernel(), replace(setting(), reread=shelf)) as lobby:
        assert lobby.call(INDEXER, METHOD) == b""
        shelf.files = replace(FIRST_FILES, client_ca=OTHER_AUTHORITY.issued.certificate_pem)
        refused = failure_of(lambda: lobby.call(INDEXER, METHOD))
        assert refused.code() is grpc.StatusCode.UNAVAILABLE
    assert said == ["tls-renewed"]


@pytest.mark.parametrize("name", MISFITS)
def test_files_that_do_not_fit_are_refused_and_said_once(name: str, said: list[str]) -> None:
    shelf = Shelf()
    renewal = Renewal(FIRST_FILES, shelf)
    assert renewal.fetch() is None
    assert said == [], "nothing is new"
    shelf.files = MISFITS[name]
    with pytest.raises(Refusal) as caught:
        fitting(shelf.files, time.time(), FIRST_FILES)
    assert caught.value.code == "tls-file-unreadable"
    assert (renewal.fetch(), renewal.fetch()) == (None, None)
    assert (said, renewal.shown) == (["tls-not-renewed"], FIRST_FILES)
    shelf.files = SECOND_FILES
    assert renewal.fetch() is not None
    assert (said, renewal.shown) == (["tls-not-renewed", "tls-renewed"], SECOND_FILES)


@pytest.mark.parametrize("name", FITS)
def test_what_is_like_a_misfit_and_locks_nobody_out_is_shown(name: str, said: list[str]) -> None:
    shelf = Shelf()
    renewal = Renewal(FIRST_FILES, shelf)
    shelf.files = FITS[name]
    assert renewal.fetch() is not None
    assert (said, renewal.shown) == (["tls-renewed"], FITS[name])


def test_an_authority_is_changed_in_three_steps_and_not_in_one(said: list[str]) -> None:
    """First callers learn of it, in client_ca and their own files; then the server is of it."""
    over_ca = OVER.issued.certificate_pem
    both, over = server_of(OVER, CA + over_ca), server_of(OVER, over_ca)
    shelf = Shelf()
    renewal = Renewal(FIRST_FILES, shelf)
    shelf.files = replace(over, client_ca=CA)
    assert renewal.fetch() is None, "nobody was told of that authority"
    for files in (
        replace(FIRST_FILES, client_ca=CA + over_ca),
        both,
        replace(both, client_ca=over_ca),
    ):
        shelf.files = files
        assert renewal.fetch() is not None
        assert renewal.shown == files
    assert said == ["tls-not-renewed", *["tls-renewed"] * 3]


def test_an_authority_that_is_not_in_client_ca_is_known_by_its_key(said: list[str]) -> None:
    """Servers of a public authority: the certificate says which key issued it."""
    known = [
        x509.AuthorityKeyIdentifier.from_issuer_public_key(each.issued.key.public_key())
        for each in (FOREIGN, FOREIGN, OVER)
    ]
    first, second, other = (
        replace(of_key(curve(SECP256R1()), SERVING, NAMED, said), client_ca=OTHER_CA)
        for said in known
    )
    shelf = Shelf()
    renewal = Renewal(first, shelf)
    for files, shown in ((second, second), (other, second)):
        shelf.files = files
        renewal.fetch()
        assert renewal.shown == shown
    assert said == ["tls-renewed", "tls-not-renewed"]


def test_what_was_refused_is_said_again_after_it_was_right(said: list[str]) -> None:
    shelf = Shelf()
    renewal = Renewal(FIRST_FILES, shelf)
    for files in (MISFITS["no key"], FIRST_FILES, MISFITS["no key"]):
        shelf.files = files
        assert renewal.fetch() is None
    assert said == ["tls-not-renewed", "tls-not-renewed"]


def test_a_file_that_is_away_for_a_moment_changes_nothing(said: list[str]) -> None:
    def away() -> TlsFiles:
        raise Refusal(Objection("tls-file-unreadable", "server.pem: No such file or directory"))

    renewal = Renewal(FIRST_FILES, away)
    assert renewal.fetch() is None
    assert (said, renewal.shown) == (["tls-not-renewed"], FIRST_FILES)


def test_a_certificate_serves_from_its_first_second_to_before_its_last() -> None:
    begin = SERVER.certificate.not_valid_before_utc.timestamp()
    end = SERVER.certificate.not_valid_after_utc.timestamp()
    for moment in (begin, end - 1):
        assert fitting(FIRST_FILES, moment) == FIRST_FILES
    for moment in (begin - 1, end):
        with pytest.raises(Refusal) as caught:
            fitting(FIRST_FILES, moment)
        assert caught.value.code == "tls-file-unreadable"
    assert days_left(SERVER.certificate_pem, end - 3 * 86_400) == 3
    assert days_left(CA + SERVER.certificate_pem, end + 86_400) == -1, "the first that ends"


def test_the_gauge_has_a_row_for_each_file(said: list[str]) -> None:
    renewal, registry = Renewal(FIRST_FILES, Shelf()), CollectorRegistry()
    registry.register(CertificateDays(renewal, {"peer": INDEXER.certificate_pem}))
    lines = generate_latest(registry).decode().splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    days = {"server": 825, "client-authority": 3_650, "peer": 825}
    assert {name: round(float(value)) for name, value in found.items()} == {
        f'pegwarden_certificate_days_left{{certificate="{name}"}}': left
        for name, left in days.items()
    }
