"""`pegwarden init`: a complete member directory, made whole or not at all."""

import re
from pathlib import Path

import click

from signer.cli.member_directory import InitRequest, NamedCertificate, make_member
from signer.cli.options import FILE, Emit, json_option
from signer.cli.passphrases import PassphraseSource, passphrase_options
from signer.config import MAINNET_SWITCH
from signer.toml_table import NAME

_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")


@click.command("init")
@click.argument("directory", type=FILE)
@click.option("--network", required=True, help="regtest, signet, testnet4, testnet3 or mainnet.")
@click.option("--name", required=True, help="This member's name, such as alice.")
@click.option("--listen", default="127.0.0.1:50551", show_default=True, help="IP and port.")
@click.option("--metrics", default="", help="IP and port for Prometheus; none unless given.")
@click.option("--host", "hosts", multiple=True, help="Further host name of the server. Repeatable.")
@click.option("--issue", multiple=True, metavar="NAME:ROLE,ROLE", help="Make a client certificate.")
@click.option(
    "--caller",
    multiple=True,
    metavar="NAME:ROLE,ROLE:FILE",
    help="Admit the holder of an existing client certificate (PEM).",
)
@click.option(
    "--vault-key",
    "vault_keys",
    multiple=True,
    metavar="NAME",
    default=("vault",),
    show_default=True,
    help="Make the vault key keys/NAME.json. Repeatable: each vault of the policy has its own key.",
)
@click.option("--client-ca", type=FILE, help="Authority of those certificates (PEM).")
@click.option(
    f"--{MAINNET_SWITCH.replace('_', '-')}", "mainnet", is_flag=True, help="Needed for mainnet."
)
@passphrase_options()
@json_option
def command(
    directory: Path, passphrase_source: PassphraseSource, emit: Emit, **options: object
) -> None:
    """Make DIRECTORY: certificates, sealed keys, configuration and a policy to be completed.

    Without --issue and --caller one client certificate is made: `operator`, with the roles operator
    and relayer.
    """
    request = _request(options)
    with passphrase_source.read_new("Passphrase for the new keys") as passphrase:
        made = make_member(directory, request, passphrase)
    members: dict[str, object] = {
        "ok": True,
        "directory": str(directory),
        "xpub": next(iter(made.xpubs.values())),
        "xpubs": made.xpubs,
        "log_key": made.log_key.hex(),
        "statement_key": made.statement_key.hex(),
        "callers": {entry.name: [spki.hex() for spki in entry.spki] for entry in made.callers},
    }
    emit(members, _advice(directory, made.xpubs))


def _request(options: dict[str, object]) -> InitRequest:
    issue, caller = _texts(options["issue"]), _texts(options["caller"])
    if not issue and not caller:
        issue = ("operator:operator,relayer",)
    for host in _texts(options["hosts"]):
        if not _HOST.fullmatch(host):
            raise click.UsageError(f"{host!r} is no host name")
    vault_keys = _texts(options["vault_keys"])
    if len(set(vault_keys)) != len(vault_keys) or not all(map(_is_key_name, vault_keys)):
        raise click.UsageError("--vault-key: each time another NAME, small letters, digits, dashes")
    client_ca = options["client_ca"]
    return InitRequest(
        name=str(options["name"]),
        network=str(options["network"]),
        confirmed_mainnet=bool(options["mainnet"]),
        listen=str(options["listen"]),
        metrics=str(options["metrics"]),
        hosts=_texts(options["hosts"]),
        issue=tuple(_named(text, 2) for text in issue),
        callers=tuple(_named(text, 3) for text in caller),
        client_ca=client_ca if isinstance(client_ca, Path) else None,
        vault_keys=vault_keys,
    )


def _is_key_name(name: str) -> bool:
    return NAME.fullmatch(name) is not None and name != "identity"


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, tuple) else ()


def _named(text: str, parts: int) -> NamedCertificate:
    fields = text.split(":", parts - 1)
    if len(fields) != parts or not all(fields) or not NAME.fullmatch(fields[0]):
        raise click.UsageError(f"{text!r} is not NAME:ROLE,ROLE{':FILE' if parts == 3 else ''}")
    file = Path(fields[2]) if parts == 3 else None
    return NamedCertificate(fields[0], tuple(fields[1].split(",")), file)


def _advice(directory: Path, xpubs: dict[str, str]) -> list[str]:
    return [
        f"Made {directory}. This member's keys, for every member's policy, one for each vault:",
        "",
        *(f"  {name}: {xpub}" for name, xpub in xpubs.items()),
        "",
        "Next:",
        f"  1. Move {directory}/tls/ca.key to a safe place: only new certificates need it.",
        f"  2. Complete a copy of {directory}/policy.template.toml together with the other members;",
        "     all use the same file, byte for byte. Read it back: pegwarden policy explain FILE",
        f"  3. pegwarden key bind FILE --config {directory}/pegwarden.toml",
        f"  4. pegwarden config check --config {directory}/pegwarden.toml",
        f"  5. pegwarden serve --config {directory}/pegwarden.toml",
    ]
