"""`policy report`: one page without scripts or anything fetched; whatever a policy says is text in it."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from policies.analysis.markup import NOTHING, element, facts, items, joined, page, table
from policies.analysis.report import Report, html, report_json, report_lines, report_of
from policies.analysis.report_vaults import opens
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from policies.proquint import words_of
from policies.universal import UNIVERSAL_RULES
from signer.bitcoin.address import address_of
from tests.policies.boundaries import HEAD, policy_saying

EVERYTHING = load_policy((Path(__file__).parent / "everything.toml").read_bytes())
RUNNING = policy_saying("fee_at_most(1000 sat)")
HOSTILE = "<script>document.title='owned'</script> & \"'<img src=x onerror=alert(1)>"
VOID = {"meta"}
KNOWN = (
    *(
        "html",
        "head",
        "title",
        "style",
        "body",
        "main",
        "section",
        "h1",
        "h2",
        "h3",
        "h4",
        "p",
        "pre",
    ),
    *("ol", "ul", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td"),
    *("div", "span", "code", "strong", *VOID),
)


class Page(HTMLParser):
    """Reads strictly: every element is known, closed in order, and has no attribute but known ones."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in KNOWN, tag
        self.attributes.update(name for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module", name="report")
def made_report() -> Report:
    return report_of(EVERYTHING, RUNNING, 60)


def read(policy: LoadedPolicy, running: LoadedPolicy | None = None) -> Page:
    return Page(html(report_of(policy, running, 60)))


def test_the_page_is_whole_and_fetches_nothing(report: Report) -> None:
    text = html(report)
    made = Page(text)
    assert made.open == []
    assert made.attributes <= {
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "data-label",
    }
    assert "default-src 'none'; style-src 'unsafe-inline'" in text
    for sign in ("http:", "https:", "//", "url(", "@import", "<a ", "<script", "<img", "<link"):
        assert sign not in text, sign


def test_hostile_texts_are_text(report: Report) -> None:
    """A name of an example is free text, and a template has angle brackets."""
    assert EVERYTHING.examples[0].name == HOSTILE
    made = Page(html(report))
    assert HOSTILE in made.text
    assert "@1/<2;3>/*" in made.text


@pytest.mark.parametrize("sign", ["<", ">", "&", '"', "'"])
def test_every_sign_of_markup_is_escaped_everywhere(sign: str) -> None:
    text = f"a{sign}b"
    for made in (
        element("p", text),
        joined(text),
        items("ul", [text]),
        table([text], [[text]]),
        facts([(text, text)]),
    ):
        assert text not in made.html.replace("<p>", "").replace("</p>", "")
    assert text not in page(text, [element("p", text)])


def test_no_items_are_no_list() -> None:
    assert items("ul", []) == NOTHING


def test_vaults_are_shown_with_words_addresses_paths_dates_and_f(report: Report) -> None:
    made = Page(html(report))
    for vault in EVERYTHING.vaults:
        assert words_of(vault.fingerprint) in made.text
        for branch, index in ((0, 0), (0, 1), (0, 2), (1, 0)):
            script = vault.script(branch, index).script_pubkey
            assert address_of(script, EVERYTHING.network) in made.text
    assert "4320 blocks after the coin, about 30.0 days" in made.text
    assert "no withdrawal is paid twice while at most that many members are dishonest" in made.text
    assert "418 WU" in made.text


@pytest.mark.parametrize(
    ("older", "after", "said"),
    [
        (None, None, "at once"),
        (144, None, "144 blocks after the coin, about 1.0 days"),
        ((1 << 22) | 675, None, "345600 seconds after the coin, about 4.0 days"),
        (None, 900_000, "at block 900000"),
        (None, 1_801_353_600, "at 2027-01-31T00:00:00Z"),
        (144, 900_000, "144 blocks after the coin, about 1.0 days and at block 900000"),
    ],
)
def test_when_a_path_opens(older: int | None, after: int | None, said: str) -> None:
    path = replace(EVERYTHING.vaults[1].paths[1], older=older, after=after)
    assert opens(path) == said


def test_rules_ways_governance_names_and_universal_rules(report: Report) -> None:
    text = Page(html(report)).text
    for said in (
        f"Rule 1, line {EVERYTHING.blocks[0].line}, as written",
        "Any one of 4 ways",
        "Way 4 (rule 1) when also:",
        "Who must agree: 2 of the 3 keys in watchers attest; and 2 of the 3 officers in officers approve.",
        "Time: it is mon-fri, from 08:00 to 18:00 UTC",
        "Dead: its limits exclude each other",
        "Anchor from next: never.",
        "Governance: 2 of the 3 officers in officers.",
        "This policy expires at 2027-01-31T00:00:00Z.",
        "Definition normal_fee",
        "List exchange, 1 addresses",
        "2 of 2 have the verdict that they say",
        "refuse payment-too-large",
        *(f"{rule.promise} {rule.name}" for rule in UNIVERSAL_RULES),
    ):
        assert said in text, said


def test_worst_cases_are_shown_and_what_is_unbounded_is_shouted(report: Report) -> None:
    text = html(report)
    assert "Vault peg after expiry" in text
    assert '<span class="shout">UNBOUNDED</span> because:' in text
    quiet = html(report_of(policy_saying("outflow_at_most(24h, 1 BTC)"), None, 60))
    assert "UNBOUNDED" not in quiet


def test_the_difference_from_the_running_policy(report: Report) -> None:
    text = Page(html(report)).text
    assert "Against the running policy looser" in text or "mixed" in text
    assert RUNNING.policy_id.hex() in text
    alone = Page(html(report_of(EVERYTHING, None, 60))).text
    assert "Against the running policy" not in alone


def test_a_small_policy_has_no_ways_to_tell_apart_and_no_examples() -> None:
    plain = HEAD[: HEAD.index("[rollups.games]")] + HEAD[HEAD.index("[groups]") :]
    block = 'spend = "withdrawal"\nfrom = "peg"\nwhen = "attested(2, watchers)"\n'
    made = read(load_policy(f"{plain}\n[[allow]]\n{block}".encode()))
    assert "as written" not in made.text
    assert "Rollups" not in made.text
    assert "Examples None." in made.text
    assert "Way 1 (rule 1) when:" in made.text


def test_ways_that_share_nothing() -> None:
    block = (
        'spend = "withdrawal"\nfrom = "peg"\n'
        'when = "or(attested(3, watchers), and(attested(2, watchers), fee_at_most(1 sat)))"\n'
    )
    made = read(load_policy(f"{HEAD}\n[[allow]]\n{block}".encode()))
    assert "In every way:" not in made.text
    assert "Way 2 (rule 1) when:" in made.text


def test_lint_findings_are_shown(report: Report) -> None:
    assert report.findings
    text = Page(html(report)).text
    for finding in report.findings:
        assert finding.rule in text
    assert "What may not be meant Nothing." in Page(html(replace(report, findings=()))).text


def failing() -> LoadedPolicy:
    text = (Path(__file__).parent / "everything.toml").read_text()
    return load_policy(text.replace('expect = "sign"', 'expect = "pending"').encode())


def test_an_example_with_another_verdict_is_seen() -> None:
    report = report_of(failing(), None, 60)
    assert report.failed == 1
    assert '<span class="no">sign</span>' in html(report)
    assert f"  {HOSTILE}: expected pending, seen sign" in list(report_lines(report))


def test_for_a_terminal(report: Report) -> None:
    lines = list(report_lines(report))
    assert lines[0] == "Policy everything, version 3, for regtest"
    assert "Against the running policy:" in lines
    assert "Examples: 2 of 2 have the verdict that they say." in lines
    alone = list(report_lines(report_of(RUNNING, None, 60)))
    assert "Against the running policy:" not in alone
    assert alone[-1] == "Examples: none."


def test_for_machines(report: Report) -> None:
    shown = json.loads(json.dumps(report_json(report)))
    assert shown["policy"]["name"] == "everything"
    assert shown["worst_case"]["bounds"] == "signing"
    assert shown["difference"]["verdict"] == str(report.against.found.verdict)  # type: ignore[union-attr]
    assert [each["passed"] for each in shown["examples"]] == [True, True]
    assert shown["examples"][1]["expected"] == "refuse payment-too-large"
    assert report_json(report_of(RUNNING, None, 60))["difference"] is None
