"""`pegwarden policy test FILE` and `pegwarden policy mutate FILE`: a policy and its own examples.

Both answer with exit status 1 unless there are examples and all pass; `mutate` also when a mutant survives.
"""

from collections.abc import Iterable
from pathlib import Path

import click

from policies.analysis.mutants import Mutation, MutationReport, mutate
from policies.analysis.verdicts import ExampleResult, run_examples
from policies.load import load_policy
from signer.cli.options import FILE, Emit, columns, json_option
from signer.member_files import read_policy_bytes

_PROGRESS = 100
"""Mutants between two lines of progress."""


@click.command("test")
@click.argument("file", type=FILE)
@json_option
def test_command(file: Path, emit: Emit) -> int:
    """Ask the policy in FILE about each of its examples."""
    results = run_examples(load_policy(read_policy_bytes(file)))
    passed = bool(results) and all(result.passed for result in results)
    emit({"ok": passed, "examples": [_result_json(each) for each in results]}, _table(results))
    return 0 if passed else 1


@click.command("mutate")
@click.argument("file", type=FILE)
@json_option
def mutate_command(file: Path, emit: Emit) -> int:
    """Change the policy in FILE in every small way; say which changes no example notices."""
    data = read_policy_bytes(file)
    results = run_examples(load_policy(data))
    wrong = [result for result in results if not result.passed]
    if wrong or not results:
        emit({"ok": False, "examples": [_result_json(each) for each in wrong]}, _table(wrong))
        return 1
    report = mutate(data, _show_progress)
    emit(_report_json(report), _report_lines(report))
    return 1 if report.survivors else 0


def _show_progress(done: int, of: int) -> None:
    if done % _PROGRESS == 0:
        click.echo(f"{done} of {of} mutants", err=True)


def _table(results: Iterable[ExampleResult]) -> list[str]:
    rows = [_row(result) for result in results]
    if not rows:
        return ["no [[example]] in this policy"]
    failed = sum(row[0] != "ok" for row in rows)
    summary = f"{len(rows) - failed} of {len(rows)} examples as expected"
    return [*columns(("", "line", "example", "expected", "got"), rows), summary]


def _row(result: ExampleResult) -> tuple[str, str, str, str, str]:
    mark, example = "ok" if result.passed else "DIFFERS", result.example
    return mark, str(example.line), example.name, result.expected, result.got


def _result_json(result: ExampleResult) -> dict[str, object]:
    return {
        "name": result.example.name,
        "line": result.example.line,
        "expected": result.expected,
        "got": result.seen,
        "codes": list(result.codes),
        "passed": result.passed,
    }


def _report_json(report: MutationReport) -> dict[str, object]:
    return {
        "ok": not report.survivors,
        "mutants": report.total,
        "noticed": report.noticed,
        "not_policies": report.not_policies,
        "equivalent": [_mutation_json(each) for each in report.equivalent],
        "survivors": [_mutation_json(each) for each in report.survivors],
    }


def _mutation_json(mutation: Mutation) -> dict[str, object]:
    return {"line": mutation.line, "what": mutation.what}


def _report_lines(report: MutationReport) -> list[str]:
    counted = (
        f"{report.total} mutants: {report.noticed} noticed, {report.not_policies} are no policies, "
        f"{len(report.equivalent)} mean the same, {len(report.survivors)} survive"
    )
    survivors = [f"line {each.line}: {each.what}" for each in report.survivors]
    return [*(f"no example notices {each}" for each in survivors), counted]
