"""A client that speaks just enough HTTP/2 for one unary call, over a TLS version of the test's choice."""

import socket
import ssl
import struct
import tempfile
from pathlib import Path

from signer.cli.certificates import Authority, Issued

_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _literal(name: str, value: str) -> bytes:
    """HPACK: a literal header field without indexing, no Huffman code."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class Connection:
    """One TLS connection of exactly that version."""

    def __init__(
        self, port: int, version: ssl.TLSVersion, who: Issued, authority: Authority
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = context.maximum_version = version
        context.load_verify_locations(cadata=authority.issued.certificate_pem.decode())
        with tempfile.TemporaryDirectory() as folder:
            chain = Path(folder) / "client.pem"
            chain.write_bytes(who.key_pem + who.certificate_pem)
            context.load_cert_chain(chain)
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.version = self._socket.version()

    def call(self, path: str, message: bytes) -> bytes:
        """All bytes that come back until the stream of the call ends."""
        headers = b"".join(
            _literal(name, value)
            for name, value in (
                (":method", "POST"),
                (":scheme", "https"),
                (":path", path),
                (":authority", "localhost"),
                ("content-type", "application/grpc"),
                ("te", "trailers"),
            )
        )
        body = b"\x00" + struct.pack(">I", len(message)) + message
        self._socket.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + _frame(_SETTINGS, 0, 0, b"")
            + _frame(_HEADERS, _END_HEADERS, 1, headers)
            + _frame(_DATA, _END_STREAM, 1, body)
        )
        try:
            return self._until_the_stream_ends()
        finally:
            self._socket.close()

    def _until_the_stream_ends(self) -> bytes:
        seen = b""
        while True:
            head = self._exactly(9)
            if len(head) < 9:
                return seen
            size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            payload = self._exactly(size)
            seen += payload
            if kind == _SETTINGS and not flags & _ACK:
                self._socket.sendall(_frame(_SETTINGS, _ACK, 0, b""))
            if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
                return seen

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            part = self._socket.recv(size - len(content))
            if not part:
                return content
            content += part
        return content
