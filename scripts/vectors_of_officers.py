"""Golden vectors of what officers sign: one text of each action, by an x-only key and by an OpenSSH key."""

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scripts.vector_cast import (
    EXPIRY,
    LOG_SECRET,
    OFFICER,
    SSH_SECRET,
    USER_SCRIPT,
    Row,
    vaults_of_the_bridge,
)
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.acts import (
    GENESIS_POLICY,
    Act,
    ApproveMove,
    ApprovePolicy,
    ApproveWithdrawal,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    RejectWithdrawal,
    StatedAct,
    act_text,
)
from signer.core.acts_control import (
    CLOSED,
    STRUCK,
    ConfirmPause,
    Lock,
    NewEpoch,
    Pause,
    ReleaseWithdrawal,
    Resume,
    Scope,
    Unlock,
)
from signer.core.evidence import SweepTerms
from signer.core.officers import officer_digest
from signer.core.payment import WithdrawalTerms
from signer.core.ssh import ED25519, format_public_key, ssh_string
from signer.core.ssh_signature import MAGIC as SSH_MAGIC
from signer.core.ssh_signature import (
    NAMESPACE,
    armoured,
    signed_bytes,
    verify_ssh_signature,
)


def officer_acts() -> Iterator[Row]:
    """What officers sign, one text of each action, by an x-only key and by an OpenSSH key."""
    peg, following = vaults_of_the_bridge()
    withdrawal_id, pin = sha256(b"withdrawal"), OutPoint(Txid(bytes(range(32))), 1)
    log_key = Ed25519PrivateKey.from_private_bytes(LOG_SECRET).public_key().public_bytes_raw()
    scope, killer = Scope(log_key, 0, 1_207), Txid(bytes(range(32, 64)))
    terms = WithdrawalTerms(withdrawal_id, Sats(1_250_000_000), USER_SCRIPT)
    move = SweepTerms(2, following.fingerprint, 0, Sats(20_000), bytes(range(16)))
    officer = OFFICER.public_key_xonly.format()
    acts: tuple[Act, ...] = (
        ApproveWithdrawal(peg.fingerprint, terms),
        RejectWithdrawal(peg.fingerprint, terms),
        ApproveMove(peg.fingerprint, move),
        HoldWithdrawal(withdrawal_id, EXPIRY),
        HoldDestination(USER_SCRIPT, EXPIRY),
        LiftHolds(officer),
        ApprovePolicy(sha256(b"policy"), GENESIS_POLICY, 1),
        Pause(scope, EXPIRY),
        ConfirmPause(scope),
        Resume(scope),
        Lock(scope),
        Unlock(scope, EXPIRY - 60),
        ReleaseWithdrawal(scope, peg.fingerprint, withdrawal_id, STRUCK, pin, killer),
        ReleaseWithdrawal(scope, peg.fingerprint, withdrawal_id, CLOSED, None, killer),
        NewEpoch(scope, 1_300, sha256(b"lost"), EXPIRY - 60),
    )
    for act in acts:
        text = act_text(StatedAct(act, REGTEST, EXPIRY))
        digest = officer_digest(text)
        yield {
            "text": text,
            "digest": digest.hex(),
            "officer_secret": OFFICER.secret.hex(),
            "officer": officer.hex(),
            "signature": OFFICER.sign_schnorr(digest, bytes(32)).hex(),
            "ssh_secret": SSH_SECRET.hex(),
            **_ssh_signed(text),
        }


def _ssh_signed(text: str) -> Row:
    """As `ssh-keygen -Y sign -n pegwarden` signs with that Ed25519 key."""
    key = Ed25519PrivateKey.from_private_bytes(SSH_SECRET)
    blob = ssh_string(ED25519) + ssh_string(key.public_key().public_bytes_raw())
    inner = ssh_string(ED25519) + ssh_string(key.sign(signed_bytes(b"sha512", text.encode())))
    fields = (blob, NAMESPACE, b"", b"sha512", inner)
    signature = SSH_MAGIC + bytes((0, 0, 0, 1)) + b"".join(map(ssh_string, fields))
    verify_ssh_signature(blob, text.encode(), signature)
    return {"ssh_key": format_public_key(blob), "ssh_signature": armoured(signature).decode()}
