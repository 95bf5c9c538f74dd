"""`pegwarden key doctor`: what a token can do, and whether it carries a plan.

1. This process does not load the module: each session is a child of its own, as keepers are.
2. One child goes first: a PIN that is wrong is tried once, not once for each keeper.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import click

from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.token.doctor import Findings, Plan, PlanKind, consequences, examine, refuse_plan
from keystore.token.keeper import TokenPlace, log_in
from signer.cli.options import Emit, config_option, emit_json, json_option
from signer.cli.passphrases import PassphraseSource, pin_options
from signer.config import load_config
from signer.config_token import required_token
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Fault, Objection, Refusal
from signer.room import memory

SECONDS = 300
"""What a child may take."""


class _Case(NamedTuple):
    place: TokenPlace
    plan: Plan
    pin: Secret


@click.command("doctor")
@click.option("--module", help="The vendor's PKCS#11 library; else as [token] of --config says.")
@click.option("--label", help="Of the token; likewise.")
@config_option
@click.option(
    "--plan",
    "kind",
    type=click.Choice([kind.value for kind in PlanKind]),
    default=PlanKind.TOKEN.value,
    show_default=True,
    help="What the token is to do: sign by itself, or seal a seed.",
)
@click.option("--keepers", type=click.IntRange(1, 16), default=1, show_default=True)
@click.option(
    "--per-second",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Signatures (inputs) a second that the plan needs.",
)
@pin_options
@click.option("--one-session", is_flag=True, hidden=True)
@json_option
def command(
    module: str | None,
    label: str | None,
    config_path: Path,
    kind: str,
    keepers: int,
    per_second: int,
    pin_source: PassphraseSource,
    one_session: object,
    emit: Emit,
) -> None:
    """Try a token: its mechanisms, a key of the session, its rate with 1 to KEEPERS sessions.

    Nothing stays in the token. A plan that it cannot carry is refused, with alternatives.
    """
    memory.harden()
    plan = Plan(PlanKind(kind), keepers, per_second)
    with pin_source.read("PIN") as pin:
        case = _Case(_place(module, label, config_path), plan, pin)
        if one_session:
            token, info = log_in(case.place, pin)
            emit_json(asdict(examine(token, info, plan)), ())
            return
        alone = _sessions(case, 1)  # 2
        together = _sessions(case, keepers) if keepers > 1 else alone
    refuse_plan(plan, together)
    emit(_members(plan, alone, together), _lines(plan, alone, together))


def _place(module: str | None, label: str | None, config_path: Path) -> TokenPlace:
    if module is not None and label is not None:
        return TokenPlace(module, label)
    config = load_config(config_path)
    token = required_token(config.token, config_path)
    return TokenPlace(module or token.module, label or token.label)


def _sessions(case: _Case, count: int) -> tuple[Findings, ...]:
    children = [_start(case) for _ in range(count)]
    try:
        return tuple([_found(child) for child in children])
    finally:
        for child in children:
            child.kill()
            child.wait()


def _start(case: _Case) -> subprocess.Popen[str]:
    reading, writing = os.pipe()
    os.write(writing, case.pin.expose(UNSAFE_EXPOSE))
    os.close(writing)
    options = ["--module", case.place.module, "--label", case.place.label]
    options += ["--plan", case.plan.kind, "--pin-fd", str(reading), "--one-session", "--json"]
    isolated = ("-I",) if sys.flags.isolated else ()
    try:
        return subprocess.Popen(  # noqa: S603 (ourselves)
            [sys.executable, *isolated, "-m", "signer", "key", "doctor", *options],
            pass_fds=(reading,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(reading)


def _found(child: subprocess.Popen[str]) -> Findings:
    try:
        said = child.communicate(timeout=SECONDS)[0]
        members = json.loads(said)
    except subprocess.TimeoutExpired:
        detail = f"a session did not end within {SECONDS} s"
        raise Refusal(Objection("token-unavailable", detail)) from None
    except ValueError:
        detail = f"a session ended with status {child.returncode} and without a word: the module?"
        raise Refusal(Objection("token-unavailable", detail)) from None
    return _read(members)


def _read(members: Mapping[str, object]) -> Findings:
    """What a child of ours said: findings, or why there are none."""
    match members:
        case {"ok": False, "code": str(code), "detail": str(detail)} if code in CATALOGUE:
            raise Refusal(Objection(code, detail))
        case {
            "mechanisms": list(mechanisms),
            "most_sessions": int(most),
            "absent": list(absent),
            "weak": str(weak),
            "per_second": int(rate),
        }:
            return Findings(tuple(mechanisms), most, tuple(absent), weak, rate)
        case _:
            raise Fault(f"a session of the token ended otherwise: {members}")


def _members(
    plan: Plan, alone: tuple[Findings, ...], together: tuple[Findings, ...]
) -> dict[str, object]:
    first = alone[0]
    return {
        "ok": True,
        "plan": plan.kind.value,
        "mechanisms": list(first.mechanisms),
        "most_sessions": first.most_sessions,
        "absent": list(first.absent),
        "consequences": list(consequences(first.absent)),
        "per_second": {
            "1": first.per_second,
            str(plan.keepers): sum(each.per_second for each in together),
        },
    }


def _lines(plan: Plan, alone: tuple[Findings, ...], together: tuple[Findings, ...]) -> list[str]:
    first = alone[0]
    limit = str(first.most_sessions) if first.most_sessions else "no limit told"
    return [
        f"The token carries the plan: {plan.kind.value}, {plan.keepers} keepers.",
        f"mechanisms  {', '.join(first.mechanisms)}",
        f"sessions    {limit}",
        f"rate        {first.per_second} a second by one keeper, "
        f"{sum(each.per_second for each in together)} by {plan.keepers}",
        *(f"absent      {each}" for each in consequences(first.absent)),
    ]
