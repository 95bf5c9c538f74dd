"""The report in a real browser: nothing is wider than the screen, nothing of a policy runs.

The page stands in a frame of the width that is tested, untouched, under its own content security policy; a
page around it measures. Without Chromium this skips and says so; under CI=true it fails
(`scripts/setup_foreign.sh` installs it).
"""

import json
import os
import re
import shutil
import subprocess
from functools import cache
from html import escape, unescape
from pathlib import Path

import pytest

from policies.analysis.report import html, report_of
from policies.load import load_policy
from tests.policies.boundaries import policy_saying
from tests.policies.test_report import EVERYTHING, HOSTILE

SECONDS = 120
"""A deadline on a small machine, not a measure."""
MEASURE = """
<script>
window.onload = () => {
  const page = document.getElementById("page").contentDocument, width = WIDTH;
  const wide = [...page.body.querySelectorAll("*")].filter(
    (each) => each.getBoundingClientRect().right > width || each.scrollWidth > each.clientWidth + 1
      && each.clientWidth > 0);
  const small = [...page.querySelectorAll("p, li, dd, td")].map(
    (each) => parseFloat(page.defaultView.getComputedStyle(each).fontSize));
  document.getElementById("answer").textContent = JSON.stringify({
    title: page.title, own: document.title, inner: page.defaultView.innerWidth,
    scroll: page.documentElement.scrollWidth, scripts: page.scripts.length,
    pictures: page.images.length, text: page.body.innerText,
    wide: wide.map((each) => each.outerHTML.slice(0, 120)), smallest: Math.min(...small),
  });
};
</script>"""


def chromium() -> str:
    """The browser; skips, or fails under CI=true."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found is not None:
            return found
    reason = (
        "the report was not rendered: Chromium is missing (scripts/setup_foreign.sh installs it)"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@cache
def page_of_everything() -> str:
    """Every section there is, with hostile names and the longest words."""
    return html(report_of(EVERYTHING, policy_saying("fee_at_most(1000 sat)"), 60))


def measured(page: str, width: int, folder: Path) -> dict[str, object]:
    """What the browser makes of the page at that width."""
    frame = (
        f'<iframe id="page" srcdoc="{escape(page)}" style="width:{width}px;height:900px;border:0">'
    )
    around = folder / "around.html"
    script = MEASURE.replace("WIDTH", str(width))
    around.write_text(
        f'<!DOCTYPE html><title>around</title><pre id="answer"></pre>{frame}</iframe>{script}',
        "utf-8",
    )
    told = subprocess.run(
        [
            chromium(),
            *(
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--disable-dev-shm-usage",
                "--dump-dom",
            ),
            *("--virtual-time-budget=10000", f"--user-data-dir={folder / 'profile'}"),
            around.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    ).stdout
    answer = re.search(r'<pre id="answer">(.+?)</pre>', told, re.DOTALL)
    assert answer is not None, told[:500]
    found = json.loads(unescape(answer[1]))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_nothing_is_wider_than_the_screen(width: int, tmp_path: Path) -> None:
    seen = measured(page_of_everything(), width, tmp_path)
    assert seen["inner"] == width
    assert seen["scroll"] == width
    assert seen["wide"] == []
    assert isinstance(seen["smallest"], float | int)
    assert seen["smallest"] >= 13


def test_what_is_too_wide_is_found(tmp_path: Path) -> None:
    """The measure itself: one word that cannot wrap."""
    wide = page_of_everything().replace(
        "<h1>", f'<div style="white-space:nowrap">{"w" * 200}</div><h1>'
    )
    assert measured(wide, 390, tmp_path)["wide"] != []


def test_hostile_names_are_seen_and_do_nothing(tmp_path: Path) -> None:
    seen = measured(page_of_everything(), 390, tmp_path)
    assert seen["title"] == "Policy everything, version 3"
    assert seen["own"] == "around"
    assert (seen["scripts"], seen["pictures"]) == (0, 0)
    assert HOSTILE in str(seen["text"])


def test_the_longest_names_wrap(tmp_path: Path) -> None:
    text = (Path(__file__).parent / "everything.toml").read_text()
    for name in ("watchers", "exchange", "peg"):
        text = re.sub(rf"\b{name}\b", name + "W" * (64 - len(name)), text)
    long = html(report_of(load_policy(text.encode()), None, 60))
    assert measured(long, 390, tmp_path)["wide"] == []
