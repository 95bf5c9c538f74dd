"""The command line's outermost frame.

1. Exit status: 0 done, 1 refused, 2 usage, 3 fault.
2. Whatever happens ends in a sentence, never in a traceback. PEGWARDEN_DEBUG=1 adds the traceback.
3. Commands are imported when they are called: `psbt parse` does not wait for gRPC.
"""

import json
import os
import sys
import traceback
import uuid
from collections.abc import Mapping
from importlib import import_module

import click

from signer.bitcoin.errors import Malformed
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Fault, Refusal

DONE, REFUSED, USAGE, FAULT = 0, 1, 2, 3

_COMMANDS = {
    "anchor": ("signer.cli.anchor", "Verify offline that a vault committed to a root."),
    "config": ("signer.cli.config", "Look at a member's configuration."),
    "control": ("signer.cli.control", "Pause, lock and unlock a kernel; open a new epoch."),
    "demo": ("signer.cli.demo", "A federation of three on regtest, and a hostile relayer."),
    "deposit": ("signer.cli.deposit", "Verify a deposit offline, before paying it."),
    "doctor": ("signer.cli.doctor", "Look at what a member needs of its machine."),
    "edge": ("signer.cli.edge", "Run a member's edge, with its kernel elsewhere."),
    "init": ("signer.cli.init", "Make a complete member directory."),
    "journal": ("signer.cli.journal", "Show and verify the record of decisions."),
    "keeper": ("signer.cli.keeper", "Run the token of a member, for its kernel."),
    "kernel": ("signer.cli.kernel", "Run a member's kernel, with its edge elsewhere."),
    "key": ("signer.cli.key", "Bind, back up, restore and show sealed keys."),
    "officer": ("signer.cli.officer", "Review, sign, approve, reject and hold withdrawals."),
    "policy": ("signer.cli.policy", "Say what a policy allows."),
    "psbt": ("signer.cli.psbt", "Parse PSBTs; ask a kernel what it would say."),
    "script": ("signer.cli.script", "Say what a script is, and who can spend by it."),
    "serve": ("signer.cli.serve", "Run the kernel of a member."),
    "spv": ("signer.cli.spv", "Feed kernels with headers; make and verify proofs."),
    "upgrade": ("signer.cli.upgrade", "Try the installed version on a journal."),
    "status": ("signer.cli.status", "Say where a kernel, or each of a federation, stands."),
    "vault": ("signer.cli.vault", "Assemble a vault with its members; export its descriptors."),
}
"""Name -> (module with an attribute `command`, one line of help)."""


class _Commands(click.Group):
    """Commands by name, imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's)
        """All names."""
        return sorted(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 (click's)
        cmd_name: str,
    ) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(_COMMANDS[cmd_name][0]).command
        if not isinstance(command, click.Command):
            raise Fault(f"{cmd_name} is no command")
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 (click's)
        formatter: click.HelpFormatter,
    ) -> None:
        """Help without importing everything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in sorted(_COMMANDS)])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def pegwarden() -> None:
    """The security kernel of a Bitcoin bridge: builds, verifies and signs, and refuses the rest."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        outcome = pegwarden.main(args=given, prog_name="pegwarden", standalone_mode=False)
        sys.stdout.flush()
        return outcome if isinstance(outcome, int) else DONE
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return REFUSED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        return _say(error, "--json" in given)


def _say(error: Exception, as_json: object) -> int:
    status, members = _told(error)
    if os.environ.get("PEGWARDEN_DEBUG") == "1":
        traceback.print_exception(error)
    if as_json:
        click.echo(json.dumps({"ok": False} | dict(members)))
        return status
    sentence = f"{members['code']}: {members['detail']}"
    click.echo("\n".join(filter(None, (sentence, members.get("remedy", "")))), err=True)
    return status


def _told(error: Exception) -> tuple[int, Mapping[str, str]]:
    """Exit status, and what is said: code, detail, remedy."""
    match error:
        case Refusal():
            first = error.objections[0]
            return REFUSED, _refused(first.code, first.detail)
        case Malformed():
            return REFUSED, _refused(error.code, error.detail)
        case Fault():
            return FAULT, {"code": "fault", "detail": str(error)}
        case OSError():
            place = error.filename if isinstance(error.filename, str) else ""
            return FAULT, {"code": "fault", "detail": f"{place or 'system'}: {error.strerror}"}
        case _:
            incident = uuid.uuid4().hex[:12]
            detail = f"incident {incident}, {type(error).__name__}"
            remedy = (
                "This is our mistake. Run again with PEGWARDEN_DEBUG=1 and report what it prints."
            )
            return FAULT, {"code": "fault", "detail": detail, "remedy": remedy}


def _refused(code: str, detail: str) -> dict[str, str]:
    return {"code": code, "detail": detail, "remedy": CATALOGUE[code].remedy}
