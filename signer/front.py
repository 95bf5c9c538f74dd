"""What stands in front of a kernel, from a member's configuration: the edge and its carrier."""

import threading
import time
from functools import partial
from pathlib import Path

from carrier.member import Credentials
from signer.config import KernelConfig, TlsPaths
from signer.core.errors import Objection, Refusal
from signer.edge.fitting import TlsFiles, fitting
from signer.edge.peers import PeerSetting
from signer.edge.server import EdgeSetting

_MOST = 1 << 20


def edge_setting(config: KernelConfig) -> EdgeSetting:
    """What the edge serves with. Raises Refusal `tls-file-unreadable`."""
    identity = config.agreement.identity
    peer = (
        {}
        if identity is None
        else {"peer": identity.certificate, "peers-authority": identity.client_ca}
    )
    return EdgeSetting(
        listen=config.listen,
        metrics=config.metrics,
        tls=fitting(_tls_files(config.tls), time.time()),
        callers=config.callers,
        limits=config.limits,
        reflection=config.development,
        reread=partial(_tls_files, config.tls),
        dated={name: _read_tls(path) for name, path in peer.items()},
    )


def peer_setting(config: KernelConfig, wanted: threading.Event) -> PeerSetting | None:
    """Whom this member carries to and from, at the latest when that is set; None where its configuration
    names nobody."""
    agreement, identity = config.agreement, config.agreement.identity
    if identity is None:
        return None
    return PeerSetting(
        ours=config.listen,
        peers=tuple((peer.name, peer.address) for peer in agreement.peers),
        identity=Credentials(identity.client_ca, identity.certificate, identity.key),
        every_seconds=agreement.every_seconds,
        wanted=wanted,
    )


def _tls_files(paths: TlsPaths) -> TlsFiles:
    certificate, key, client_ca = map(_read_tls, (paths.certificate, paths.key, paths.client_ca))
    return TlsFiles(certificate, key, client_ca)


def _read_tls(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST)
    except OSError as error:
        raise Refusal(Objection("tls-file-unreadable", f"{path}: {error.strerror}")) from None
    if b"-----BEGIN " not in content:
        raise Refusal(Objection("tls-file-unreadable", f"{path} is not PEM"))
    return content
