"""Who is let in: mTLS, TLS 1.3, known keys, roles. Real connections over loopback."""

import ssl
from dataclasses import replace

import grpc
import pytest

from signer.core.caller import Caller, Role
from signer.core.errors import Unauthorized
from signer.edge.callers import CallerBook, CallerEntry
from signer.edge.roles import (
    HEALTH_CHECK,
    LIST_ENTRIES,
    PATHS,
    ROLES,
    SERVICES,
    STREAMED,
    SUBMIT_HEADERS,
    WATCH,
    require_role,
)
from signer.edge.server import SERVICE
from signer.edge.watch import STREAMS
from tests.edge import http2
from tests.edge.lobby import (
    AUDITOR,
    AUTHORITY,
    CALLERS,
    FORGER,
    INDEXER,
    OFFICER,
    OTHER_AUTHORITY,
    RELAYER,
    STRANGER,
    EchoKernel,
    failure_of,
    served,
    setting,
)


def test_a_known_caller_is_answered_and_named_to_the_kernel() -> None:
    kernel = EchoKernel()
    with served(kernel) as lobby:
        assert lobby.call(RELAYER, "SignPsbt", b"\x00raw\xff") == b"\x00raw\xff"
    relayer = Caller("relayer", frozenset({Role.RELAYER}))
    assert kernel.calls == [("SignPsbt", relayer, b"\x00raw\xff")]


@pytest.mark.parametrize("who", [None, FORGER], ids=["no certificate", "another authority's"])
def test_without_a_certificate_of_our_authority_there_is_no_connection(who: object) -> None:
    kernel = EchoKernel()
    with served(kernel) as lobby:
        answered = lobby.refused(who, "GetInfo")  # type: ignore[arg-type]
    assert answered.status is grpc.StatusCode.UNAVAILABLE
    assert kernel.calls == []


def test_a_client_that_trusts_another_authority_does_not_talk_to_us() -> None:
    with served(EchoKernel()) as lobby, lobby.channel(RELAYER, OTHER_AUTHORITY) as channel:
        method: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            f"/{SERVICE}/GetInfo"
        )
        error = failure_of(lambda: method(b"", timeout=10))
    assert error.code() is grpc.StatusCode.UNAVAILABLE


def test_a_certificate_alone_grants_nothing() -> None:
    """The authority signed it, but nobody wrote its key into the configuration."""
    kernel = EchoKernel()
    with served(kernel) as lobby:
        answered = lobby.refused(STRANGER, "GetInfo")
    assert (answered.status, answered.code) == (grpc.StatusCode.PERMISSION_DENIED, "caller-unknown")
    assert STRANGER.spki.hex() in answered.refusal.objections[0].detail
    assert kernel.calls == []


def test_a_renewed_certificate_of_the_same_name_is_let_in_beside_the_old_one() -> None:
    renewed = AUTHORITY.issue_client("relayer")
    entry = replace(CALLERS[0], spki=(RELAYER.spki, renewed.spki))
    with served(EchoKernel(), replace(setting(), callers=(entry,))) as lobby:
        assert lobby.call(RELAYER, "GetInfo", b"old") == b"old"
        assert lobby.call(renewed, "GetInfo", b"new") == b"new"


def test_tls_1_2_is_refused_before_the_kernel_hears_of_it_and_1_3_is_not() -> None:
    """grpcio negotiates TLS 1.2 with whoever asks for it; only the auth context tells."""
    kernel = EchoKernel()
    with served(kernel) as lobby:
        path = f"/{SERVICE}/SignPsbt"
        old = http2.Connection(lobby.port, ssl.TLSVersion.TLSv1_2, RELAYER, AUTHORITY)
        said = old.call(path, b"request")
        assert old.version == "TLSv1.2"
        assert b"tls-version-refused" in said
        assert kernel.calls == []
        new = http2.Connection(lobby.port, ssl.TLSVersion.TLSv1_3, RELAYER, AUTHORITY)
        assert b"request" in new.call(path, b"request")
        assert new.version == "TLSv1.3"
    assert [method for method, _, _ in kernel.calls] == ["SignPsbt"]


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"ssl_tls_version": [b"TLSv1.2"], "x509_pem_cert": [RELAYER.certificate_pem]},
        {"x509_pem_cert": [RELAYER.certificate_pem]},
    ],
)
def test_what_is_not_said_to_be_tls_1_3_is_refused(context: dict[str, list[bytes]]) -> None:
    with pytest.raises(Unauthorized) as caught:
        CallerBook(CALLERS).identify(context)
    assert caught.value.code == "tls-version-refused"


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN CERTIFICATE-----\n", b"\xff"])
def test_an_unreadable_certificate_is_an_unknown_caller(pem: bytes) -> None:
    with pytest.raises(Unauthorized) as caught:
        CallerBook(CALLERS).identify({"ssl_tls_version": [b"TLSv1.3"], "x509_pem_cert": [pem]})
    assert caught.value.code == "caller-unknown"


def test_the_role_is_asked_before_the_message_is_read() -> None:
    kernel = EchoKernel()
    with served(kernel) as lobby:
        answered = lobby.refused(INDEXER, "SignPsbt", b"not even a message")
        assert lobby.call(INDEXER, "GetVaultAddress", b"ok") == b"ok"
    assert answered.status is grpc.StatusCode.PERMISSION_DENIED
    assert answered.code == "role-not-allowed"
    assert [method for method, _, _ in kernel.calls] == ["GetVaultAddress"]


@pytest.mark.parametrize("method", ROLES)
@pytest.mark.parametrize("role", Role)
def test_the_role_table_decides(method: str, role: Role) -> None:
    caller = Caller("someone", frozenset({role}))
    if role in ROLES[method]:
        require_role(caller, method)
        return
    with pytest.raises(Unauthorized) as caught:
        require_role(caller, method)
    assert caught.value.code == "role-not-allowed"


def test_only_relayers_get_signatures() -> None:
    assert ROLES["SignPsbt"] == {Role.RELAYER}


def test_a_method_without_a_row_is_open_to_nobody() -> None:
    with pytest.raises(Unauthorized) as caught:
        require_role(Caller("all", frozenset(Role)), "SignDigest")
    assert caught.value.code == "role-not-allowed"


def test_the_role_table_has_exactly_the_rpcs_of_the_services() -> None:
    from pegwarden.v1 import (
        approval_pb2,
        audit_pb2,
        control_pb2,
        header_chain_pb2,
        kernel_pb2,
        policy_pb2,
    )

    protos = (kernel_pb2, approval_pb2, policy_pb2, audit_pb2, control_pb2, header_chain_pb2)
    said = {
        service.full_name: {method.name for method in service.methods}
        for proto in protos
        for service in proto.DESCRIPTOR.services_by_name.values()
    }
    assert {service: set(methods) for service, methods in SERVICES.items()} == said
    names = [method for methods in said.values() for method in methods]
    assert sorted((*names, HEALTH_CHECK)) == sorted(ROLES) == sorted(PATHS.values())
    streams = {
        method.name
        for proto in protos
        for service in proto.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if method.server_streaming
    }
    assert streams == {WATCH, LIST_ENTRIES, SUBMIT_HEADERS} == STREAMED
    assert set(STREAMS) == STREAMED - {SUBMIT_HEADERS}


def test_whoever_proposes_a_transaction_cannot_hold_reject_or_change_a_policy() -> None:
    of_relayers = {method for method, roles in ROLES.items() if Role.RELAYER in roles}
    assert of_relayers.isdisjoint({"Hold", "RejectWithdrawal", "ProposePolicy", "ApprovePolicy"})
    with served(EchoKernel()) as lobby:
        assert lobby.refused(RELAYER, "Hold").code == "role-not-allowed"
        assert lobby.call(OFFICER, "Hold", b"act") == b"act"
        assert lobby.refused(OFFICER, "SignPsbt").code == "role-not-allowed"


def test_callers_keep_to_their_own_roles() -> None:
    with served(EchoKernel()) as lobby:
        assert lobby.call(AUDITOR, "ListCoins", b"x") == b"x"
        assert lobby.refused(AUDITOR, "SignPsbt").code == "role-not-allowed"


def test_an_entry_can_have_several_roles() -> None:
    entry = CallerEntry("both", (RELAYER.spki,), frozenset({Role.RELAYER, Role.OFFICER}))
    book = CallerBook([entry])
    context = {"ssl_tls_version": [b"TLSv1.3"], "x509_pem_cert": [RELAYER.certificate_pem]}
    assert book.identify(context).roles == {Role.RELAYER, Role.OFFICER}
