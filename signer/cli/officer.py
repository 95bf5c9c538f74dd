"""`pegwarden officer`: what an officer does, most of it offline (docs/officers.md).

1. Offline: `review`, `draft-hold` and `draft-lift` make the text that is signed from the officer's own policy
   file; `sign` makes an act of a text, with a key file or with the signature of `ssh-keygen -Y sign`.
2. Online, over mTLS: `pending`, `packet`, `approve`, `reject`, `hold`, `watch`. They decide nothing.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from signer.cli.act_file import act_json, act_members, bounded
from signer.cli.officer_service import COMMANDS
from signer.cli.options import FILE, Emit, json_option
from signer.core.acts import (
    Act,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    SignedAct,
    StatedAct,
    act_text,
    read_act,
)
from signer.core.moments import DAY
from signer.core.officers import claimed_act, verify_signature
from signer.core.ssh import format_officer, parse_public_key, read_officer


@click.group("officer")
def command() -> None:
    """Review, sign, approve, reject and hold withdrawals."""


for each in COMMANDS:
    command.add_command(each)

POLICY = click.option(
    "--policy", type=FILE, required=True, help="Your own copy of the policy, as you reviewed it."
)
DAYS = click.option(
    "--expires-in-days",
    "days",
    type=click.IntRange(1, 30),
    default=7,
    show_default=True,
    help="How long your word counts.",
)


def out_option(what: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """`--out`, a new file."""
    return click.option("--out", type=FILE, required=True, help=f"New file for {what}.")


@command.command("review")
@click.argument("packet", type=FILE)
@POLICY
@DAYS
@click.option("--reject", is_flag=True, help="Make the text of a rejection.")
@click.option("--out", type=FILE, help="New file for the text to sign.")
@json_option
def review_command(packet: Path, policy: Path, emit: Emit, **options: object) -> None:
    """Verify PACKET against your own policy file, offline, and print exactly what is to be signed."""
    from policies.load import load_policy  # noqa: PLC0415 (gRPC's messages)
    from signer.cli.officer_review import MAX_PACKET, review, review_lines  # noqa: PLC0415
    from signer.member_files import read_policy_bytes  # noqa: PLC0415

    now, pinned = int(time.time()), load_policy(read_policy_bytes(policy))
    with packet.open("rb") as stream:
        found = review(stream.read(MAX_PACKET + 1), pinned, now)
    act = found.rejection() if options["reject"] else found.approval()
    text = _text(act, pinned.network.name, now + int(str(options["days"])) * DAY)
    members = {"text": text, "warnings": list(found.warnings), "attested_by": found.attested_by}
    out = options["out"]
    hint = () if out is None else ("", f"ssh-keygen -Y sign -n pegwarden -f KEY {out}")
    if isinstance(out, Path):
        _write(out, text)
    _tell(emit, members, (*review_lines(found), "", *_framed(text), *hint))


@command.command("draft-hold")
@POLICY
@click.option("--withdrawal", metavar="ID", help="64 hexadecimal digits.")
@click.option("--address", help="Hold whatever is paid there.")
@click.option("--hours", type=click.IntRange(1, 24 * 30), required=True, help="From now.")
@out_option("the text to sign")
@json_option
def draft_hold_command(policy: Path, out: Path, emit: Emit, **options: object) -> None:
    """Write the text that holds a withdrawal or a destination."""
    network = _network_of(policy)
    now = int(time.time())
    act = _hold(options, network, now + int(str(options["hours"])) * 3_600)
    _draft(act, network, now + DAY, (out, emit))


@command.command("draft-lift")
@POLICY
@click.option("--officer", required=True, help="Whose holds: the key as the policy writes it.")
@out_option("the text to sign")
@json_option
def draft_lift_command(policy: Path, officer: str, out: Path, emit: Emit) -> None:
    """Write the text that ends an officer's holds; a quorum signs the same text within twelve hours."""
    expires = int(time.time()) + DAY // 2
    _draft(LiftHolds(read_officer(officer)), _network_of(policy), expires, (out, emit))


@command.command("sign")
@click.argument("text", type=FILE)
@click.option("--key", type=FILE, help="Your key file: 64 hexadecimal digits, mode 600.")
@click.option("--signature", type=FILE, help="What `ssh-keygen -Y sign -n pegwarden` wrote.")
@click.option("--public-key", type=FILE, help="The `.pub` file of that key.")
@out_option("the act")
@json_option
def sign_command(text: Path, out: Path, emit: Emit, **options: object) -> None:
    """Make an act of the officer's text in TEXT, with a key file or an OpenSSH signature."""
    content = bounded(text).decode("utf-8", "replace")
    read_act(content)
    key, signature, public = (options[name] for name in ("key", "signature", "public_key"))
    if isinstance(key, Path) and signature is None and public is None:
        signed = _signed_by(key, content)
    elif key is None and isinstance(signature, Path) and isinstance(public, Path):
        blob = parse_public_key(bounded(public).decode("utf-8", "replace").rstrip("\n"))
        signed = claimed_act(content, blob, bounded(signature))
        verify_signature(signed)
    else:
        raise click.UsageError("give --key, or --signature and --public-key")
    _write(out, act_json(signed))
    officer = format_officer(signed.officer)
    _tell(emit, act_members(signed), (*_framed(content), f"signed by {officer}: {out}"))


@command.command("new-key")
@click.argument("file", type=FILE)
@json_option
def new_key_command(file: Path, emit: Emit) -> None:
    """Make a key in the new FILE and print the public key that a policy lists."""
    from keystore.officer_key import make_officer_key  # noqa: PLC0415 (libsecp256k1)

    key = make_officer_key(file)
    key.close()
    _tell(emit, {"public_key": key.public.hex()}, (key.public.hex(),))


def _signed_by(path: Path, text: str) -> SignedAct:
    from keystore.officer_key import open_officer_key  # noqa: PLC0415 (libsecp256k1)

    key = open_officer_key(path)
    try:
        return key.sign(text)
    finally:
        key.close()


def _hold(options: dict[str, object], network: str, until: int) -> Act:
    from signer.bitcoin.address import script_of  # noqa: PLC0415
    from signer.bitcoin.network import network_named  # noqa: PLC0415

    withdrawal, address = options["withdrawal"], options["address"]
    if isinstance(withdrawal, str) and address is None:
        try:
            withdrawal_id = bytes.fromhex(withdrawal)
        except ValueError:
            withdrawal_id = b""
        if len(withdrawal_id) != 32:
            raise click.UsageError("a withdrawal id is 64 hexadecimal digits")
        return HoldWithdrawal(withdrawal_id, until)
    if isinstance(address, str) and withdrawal is None:
        return HoldDestination(script_of(address, network_named(network)), until)
    raise click.UsageError("give --withdrawal or --address")


def _network_of(policy: Path) -> str:
    from policies.load import load_policy  # noqa: PLC0415
    from signer.member_files import read_policy_bytes  # noqa: PLC0415

    return load_policy(read_policy_bytes(policy)).network.name


def _draft(act: Act, network: str, expires: int, target: tuple[Path, Emit]) -> None:
    out, emit = target
    text = _text(act, network, expires)
    _write(out, text)
    _tell(emit, {"text": text}, _framed(text))


def _text(act: Act, network: str, expires: int) -> str:
    from signer.bitcoin.network import network_named  # noqa: PLC0415

    text = act_text(StatedAct(act, network_named(network), expires))
    read_act(text)
    return text


def _framed(text: str) -> tuple[str, ...]:
    """The exact text, between two lines that are not part of it."""
    return ("--- this is signed ---", *text.splitlines(), "--- until here ---")


def _tell(emit: Emit, members: dict[str, object] | dict[str, str], lines: Iterable[str]) -> None:
    emit({"ok": True} | dict(members), lines)


def _write(path: Path, content: str) -> None:
    """A new file; nothing is overwritten."""
    with path.open("x", encoding="ascii", newline="") as stream:
        stream.write(content)
