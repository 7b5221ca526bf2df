"""The report: small, offline, readable at two widths, and true to its frames."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import select
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from wayprint.report.blocks import all_blocks
from wayprint.report.page import five_numbers, five_sentences, render

DAY = dt.date(2026, 5, 1)


@pytest.fixture
def frames() -> dict[str, pd.DataFrame]:
    """Gold tables of a tiny shop, as `gather` brings them."""
    return {
        "persons": pd.DataFrame({"is_known": [True, False], "count": [40, 60], "devices": [70, 60], "several_devices": [25, 0]}),
        "identity_health": pd.DataFrame({"measure": ["largest_component", "edges_refused"], "value": [9.0, 3.0], "meaning": ["m"] * 2}),
        "identity_gates": pd.DataFrame({"gate": ["edges_across", "nodes_lost"], "value": [0.0, 0.0], "bound": [0.0, 0.0], "is_open": [True, True], "meaning": ["m"] * 2}),
        "identity_audit": pd.DataFrame({"rule": ["shared_device", "blocklist"], "count": [2, 1]}),
        "journeys": pd.DataFrame({"ended_by": ["conversion", "silence", "open"], "count": [30, 170, 50], "has_channel_switch": [20, 40, 10], "has_back": [1, 2, 0],
                                  "crosses_devices": [3, 4, 0], "crosses_store": [5, 5, 3]}),
        "stage_channel_matrix": pd.DataFrame({
            "stage": ["search", "purchase"], "channel": ["Email", "Direct"], "phase": ["before", "during"], "touches": [300, 80], "persons": [50, 30], "journeys": [60, 40],
            "converted": [12, 30], "conversion_rate": [0.2, 0.75], "conversion_low": [0.12, 0.6], "conversion_high": [0.32, 0.86], "answers": [0, 40], "satisfied": [0, 30],
            "satisfaction_rate": [None, 0.75], "satisfaction_low": [None, 0.6], "satisfaction_high": [None, 0.86]}),
        "stage_funnel": pd.DataFrame({"stage": ["search", "purchase"], "position": [1, 2], "persons": [100, 30], "journeys": [200, 30]}),
        "channel_flows": pd.DataFrame({"from_channel": ["(start)", "Email", "Direct"], "to_channel": ["Email", "Direct", "(conversion)"], "journeys": [90, 60, 30], "steps": [90, 70, 30], "inbound_journeys": [20, 40, 30]}),
        "purchase_effort": pd.DataFrame({"visits": [1, 3], "sources": [1, 2], "conversions": [10, 20], "median_days": [0.0, 4.0]}),
        "channel_credits": pd.DataFrame({
            "model": ["shapley"] * 3 + ["last"] * 3, "channel": ["Email", "Direct", "(none)"] * 2, "conversions": [12.0, 8.0, 10.0, 6.0, 14.0, 10.0],
            "revenue_amount": [1.0] * 6, "removal_effect": [None] * 6, "conversions_low": [8.0] * 6, "conversions_high": [15.0] * 6}),
        "returns": pd.DataFrame({
            "model": ["shapley"] * 2, "channel": ["Email", "Display"], "campaign": [None, None], "currency": ["EUR"] * 2, "cost_amount": [100.0, 200.0], "conversions": [12.0, 1.0],
            "revenue_amount": [600.0, 50.0], "cost_per_conversion": [8.3, 200.0], "return_on_spend": [6.0, 0.25], "return_low": [4.0, 0.0], "return_high": [8.0, 0.9]}),
        "model_measures": pd.DataFrame({"model": ["purchase_30d"], "candidate": ["none"], "measure": ["not_trained"], "value": [None], "low": [None], "high": [None],
                                        "is_champion": [False], "model_version": [None], "verdict": ["not trained: 5 buyers"]}),
        "audience_sizes": pd.DataFrame({"audience": ["a"], "counted_on": [DAY], "title": ["Abandoned <cart>"], "is_exclusion": [False], "candidates": [20], "without_basis": [8], "suppressed": [2], "members": [10],
                                        "holdout": [1], "entered": [10], "left": [0]}),
        "lifecycle": pd.DataFrame({"state": ["active"], "count": [100]}), "scores": pd.DataFrame({"model": [], "count": []}),
        "files": pd.DataFrame({"source": ["crm"], "files": [3], "lines": [1000], "kept": [990], "quarantined": [10], "held": [0], "reason": [None], "remark": [None]}),
        "quarantine": pd.DataFrame({"source": ["crm"], "rule": ["malformed"], "count": [10]}),
        "refused_events": pd.DataFrame({"source": ["web"], "rule": ["bot_rate"], "count": [30]}),
        "repeated_events": pd.DataFrame({"source": ["web"], "rule": ["other_payload"], "count": [2]}),
        "rule_results": pd.DataFrame({"table": [], "rule": [], "severity": [], "rows": [], "broken": []}),
        "kpis": pd.DataFrame({
            "kpi": ["revenue_amount", "digital_revenue_share", "conversions"], "month": [dt.date(2026, 4, 1)] * 3, "channel": ["(all)"] * 3,
            "currency": ["EUR", "EUR", "XXX"], "value": [500.0, 0.6, 30.0]}),
        "conversions": pd.DataFrame({"is_digital": [True], "currency": ["EUR"], "count": [30], "revenue_amount": [500.0]}),
    }


@pytest.fixture
def page(frames, settings, tmp_path) -> Path:
    blocks = all_blocks(frames, settings.report, pd.DataFrame({"channel": ["Email"], "true_incremental_conversions": [5.0], "expected_conversions": [30.0]}))
    file = tmp_path / "report.html"
    file.write_text(render(blocks, five_numbers(frames, blocks), five_sentences(frames, blocks, settings.report), settings.report, DAY), encoding="utf-8")
    return file


def test_five_sentences_say_people_journeys_sales_audiences_and_data(frames, settings):
    blocks = all_blocks(frames, settings.report, None)
    assert five_sentences(frames, blocks, settings.report) == [
        "40 customers are known by a login, e-mail, phone or card, 25 of them on several devices, beside 60 visitors without a name.",
        "Of 200 finished journeys 15 % ended in a purchase, and 17 % of these went through both a digital and a physical place; 50 still go on.",
        "Of all marketing Email is credited with most sales: 40 %, or 20 % to 40 % depending on the rule of credit.",
        "1 audience is ready with 9 places; the largest is “Abandoned <cart>” with 9.",
        "Of 1,000 records read 10 could not be used, each with its reason; 32 more are robots' and copies, left out on purpose."]


def test_amounts_of_two_currencies_are_not_added(frames, settings):
    money = frames["kpis"][:2]
    frames["kpis"] = pd.concat([frames["kpis"], money.assign(currency="CHF", value=[90.0, 0.1]), money.assign(currency="XXX", value=[7.0, 0.9])])
    frames["returns"] = pd.concat([frames["returns"], frames["returns"].assign(currency="CHF", cost_amount=[10.0, 20.0])])
    blocks = {b.id: b for b in all_blocks(frames, settings.report, None)}
    assert blocks["kpis"].number == "60 %"
    assert "CHF, XXX" in blocks["kpis"].note
    assert blocks["returns"].title.startswith("300 EUR were spent")
    assert "CHF" in blocks["returns"].note
    assert len(blocks["returns"].table) == 4


def test_a_list_that_excludes_is_no_audience_to_talk_to(frames, settings):
    kept = frames["audience_sizes"].assign(audience="b", title="Customers", members=700, is_exclusion=True)
    frames["audience_sizes"] = pd.concat([frames["audience_sizes"], kept])
    told = "1 audience is ready with 9 places; the largest is “Abandoned <cart>” with 9, beside 700 places in lists that exclude"
    block = next(b for b in all_blocks(frames, settings.report, None) if b.id == "audiences")
    assert block.title == told
    assert list(block.table["title"]) == ["Abandoned <cart>", "Customers"]
    assert "(exclusion)" in block.figure
    frames["audience_sizes"] = kept
    assert "Nobody is to be addressed" in next(b for b in all_blocks(frames, settings.report, None) if b.id == "audiences").title


def test_what_is_wrong_with_files_that_were_read_is_told_beside_why_others_are_held(frames, settings):
    frames["files"] = pd.DataFrame({
        "source": ["crm", "web"], "files": [3, 2], "lines": [900, 100], "kept": [890, 100], "quarantined": [10, 0], "held": [0, 1],
        "reason": [None, "column 'id' is missing"], "remark": ["consent 'peut-être' is not understood", None]})
    action, more = next((b.action, b.more) for b in all_blocks(frames, settings.report, None) if b.id == "quality")
    assert action.startswith("1 files are held apart (web): column 'id' is missing")
    assert "Look into crm: consent 'peut-être' is not understood." in more


def test_every_block_has_sentence_number_action_and_table_or_a_reason(frames, settings):
    for block in all_blocks(frames, settings.report, None):
        assert len(block.title.split()) > 4, block.id
        assert block.number
        assert block.action
        assert (block.figure and len(block.table)) or block.number == "–", block.id


RATED = ("matrix", "flow", "funnel", "effort", "attribution", "returns", "kpis")


def named_rates(frames, report) -> dict[str, str]:
    """Each block in whose sentences stands a rate, with them; the sentence of page one about journeys too."""
    blocks = all_blocks(frames, report, None)
    said = {b.id: f"{b.title} {b.number} {b.action}" for b in blocks if b.id in RATED}
    said["page"] = five_sentences(frames, blocks, report)[1]
    return {name: text for name, text in said.items() if " %" in text or "EUR per EUR" in text}


def test_a_rate_of_a_few_cases_is_never_named_in_a_sentence(frames, settings):
    report = settings.replace("report", least_cell=1).report
    assert set(named_rates(frames, report)) == {*RATED, "page"}
    assert named_rates(frames, settings.replace("report", least_cell=1000).report) == {}


@pytest.mark.parametrize(("table", "column", "block"), [
    ("journeys", "count", "flow"), ("stage_funnel", "persons", "funnel"), ("purchase_effort", "conversions", "effort"), ("returns", "conversions", "returns"),
    ("channel_credits", "conversions", "attribution"), ("kpis", "value", "kpis"), ("journeys", "count", "page")])
def test_what_counts_as_few_are_the_cases_of_the_rate(frames, settings, table, column, block):
    report = settings.replace("report", least_cell=10).report
    assert block in named_rates(frames, report)
    frames[table][column] = frames[table][column] / 100
    assert block not in named_rates(frames, report)


def test_a_rate_of_a_few_cases_is_pale_or_marked(frames, settings):
    blocks = {b.id: b for b in all_blocks(frames, settings.replace("report", least_cell=10).report, None)}
    assert json.loads(blocks["returns"].figure)["data"][0]["marker"]["color"] == ["#0f766e", "#c3ccd5"]
    cells = {text for line in json.loads(blocks["matrix"].figure)["data"][0]["text"] for text in line}
    assert not any("few" in text for text in cells)
    blocks = {b.id: b for b in all_blocks(frames, settings.replace("report", least_cell=50).report, None)}
    cells = {text for line in json.loads(blocks["matrix"].figure)["data"][0]["text"] for text in line}
    assert sorted(text.count("few: chance") for text in cells if text) == [0, 2]
    assert "percent" in blocks["funnel"].figure
    frames["stage_funnel"]["persons"] = [20, 5]
    assert "percent" not in next(b for b in all_blocks(frames, settings.report, None) if b.id == "funnel").figure


def test_the_funnel_names_the_step_that_loses_most_people(frames, settings):
    frames["stage_funnel"] = pd.DataFrame({"stage": ["search", "compare", "cart", "purchase"], "position": [1, 2, 3, 4], "persons": [10000, 4000, 300, 20], "journeys": [1] * 4})
    funnel = next(b for b in all_blocks(frames, settings.report, None) if b.id == "funnel")
    assert "most are lost after “search”" in funnel.title
    assert funnel.action.startswith("6,000 people come as far as “search” and no further")
    frames["stage_funnel"]["persons"] = 100
    funnel = next(b for b in all_blocks(frames, settings.report, None) if b.id == "funnel")
    assert "lost" not in funnel.title
    assert "no further" not in funnel.action


def test_links_are_said_to_be_checked_where_an_identity_passed_its_gates(frames, settings):
    assert "Checked: what is published follows these rules" in all_blocks(frames, settings.report, None)[0].more
    frames["identity_gates"] = frames["identity_gates"].iloc[:0]
    assert "Checked" not in all_blocks(frames, settings.report, None)[0].more


def test_the_step_to_make_seamless_is_one_that_people_go_by_themselves(frames, settings):
    """Most journeys go from Display to Email, but only because a mail was sent."""
    frames["channel_flows"] = pd.concat([frames["channel_flows"], pd.DataFrame([{
        "from_channel": "Display", "to_channel": "Email", "journeys": 500, "steps": 500, "inbound_journeys": 35}])])
    block = next(b for b in all_blocks(frames, settings.report, None) if b.id == "flow")
    assert "from Email to Direct" in block.title
    assert "Display" in block.figure


def test_a_return_has_the_range_of_all_rules_of_credit_and_the_simulated_truth_beside_it(frames, settings):
    other = frames["returns"].assign(model="last", return_on_spend=[2.0, 0.1], return_low=[1.5, 0.0], return_high=[3.0, 0.2])
    frames["returns"] = pd.concat([frames["returns"], other])
    truth = pd.DataFrame({"channel": ["Email", "Display"], "true_incremental_conversions": [6.0, 0.0], "expected_conversions": [30.0, 30.0]})
    block = next(b for b in all_blocks(frames, settings.replace("report", least_cell=10).report, truth) if b.id == "returns")
    assert "Email is credited with most: 6.0 EUR per EUR spent, or 2.0 to 6.0 depending on the rule of credit" in block.title
    assert "leave a group without Display, on which most is spent" in block.action
    bars, diamonds = json.loads(block.figure)["data"]
    assert (bars["error_x"]["arrayminus"], bars["error_x"]["array"]) == ([4.5, 0.25], [2.0, pytest.approx(0.65)])
    assert diamonds["x"] == pytest.approx([6 * (500 / 30) / 100, 0.0])


@pytest.mark.parametrize(("measure", "value", "words"), [
    ("largest_component", 100.0, "wayprint explain"), ("persons_with_two_birth_years", 0.03, "two birth years"), ("persons_with_many_names", 0.02, "four given names")])
def test_each_alarm_of_identity_is_said_with_what_to_do(frames, settings, measure, value, words):
    assert words not in all_blocks(frames, settings.report, None)[0].action
    frames["identity_health"] = pd.DataFrame({"measure": [measure], "value": [value], "meaning": ["m"]})
    assert words in all_blocks(frames, settings.report, None)[0].action


def test_empty_tables_give_a_report_that_says_what_is_missing(frames, settings):
    empty = {name: frame.iloc[0:0] for name, frame in frames.items()}
    blocks = all_blocks(empty, settings.report, None)
    assert render(blocks, five_numbers(empty, blocks), five_sentences(empty, blocks, settings.report), settings.report, DAY).count("–") >= 6


def test_the_file_is_under_six_megabytes_names_nothing_outside_and_escapes_what_data_say(page):
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) < 6_000_000
    assert "Abandoned <cart>" not in text
    outside = re.findall(r"""(?:src|href)=["'](?!#|data:)([^"']+)""", re.sub(r"<script>.*?</script>", "", text, flags=re.S))
    assert outside == []
    assert "default-src 'none'" in text


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no chromium on PATH: the report was not opened in a browser")
    return found


class Browser:
    """A headless browser spoken to through two pipes (its DevTools protocol); `ask` waits for the answer, so nothing sleeps."""

    def __init__(self, chromium: str, profile: Path) -> None:
        (child_reads, self.writes), (self.reads, child_writes) = os.pipe(), os.pipe()
        self.process = subprocess.Popen(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            pass_fds=(3, 4), preexec_fn=lambda: (os.dup2(child_reads, 3), os.dup2(child_writes, 4)), stderr=subprocess.DEVNULL, env={**os.environ, "TZ": "UTC"})
        os.close(child_reads)
        os.close(child_writes)
        self.said, self.number, self.session = b"", 0, {}
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = {"sessionId": self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        self.number += 1
        os.write(self.writes, json.dumps({"id": self.number, "method": method, "params": given, **self.session}).encode() + b"\0")
        while True:
            while b"\0" not in self.said:
                assert select.select([self.reads], [], [], 120)[0], f"no answer to {method}"
                read = os.read(self.reads, 1 << 20)
                assert read, "the browser ended"
                self.said += read
            message, _, self.said = self.said.partition(b"\0")
            answer: dict[str, Any] = json.loads(message)
            if answer.get("id") == self.number:
                assert "result" in answer, answer
                return dict(answer["result"])

    def width(self, pixels: int) -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=pixels, height=2000, deviceScaleFactor=1, mobile=False)

    def run(self, script: str) -> Any:
        return self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)["result"].get("value")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.writes)
        os.close(self.reads)


# Counts what goes wrong, and keeps the window's resize event from the page: a chart that waits for it is late for a picture or a print.
TRAP = """<script>window.failed = [];
addEventListener("securitypolicyviolation", e => failed.push(e.blockedURI)); addEventListener("error", e => failed.push(String(e.message)));
console.error = (...a) => failed.push(a.join(" ")); addEventListener("resize", e => e.stopImmediatePropagation(), true);</script>"""
LOADED = "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', () => done()))"
PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
MEASURED = """(() => {
  const charts = [...document.querySelectorAll(".chart")], box = e => e.getBoundingClientRect();
  const outside = (c, e) => box(e).width > 0 && (box(e).left < box(c).left - 1 || box(e).right > box(c).right + 1);
  return {wanted: charts.length, errors: failed, width: innerWidth, wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    unfit: charts.filter(c => Math.abs(box(c.querySelector(".main-svg")).width - c.clientWidth) > 1).map(c => c.dataset.figure),
    cut: charts.flatMap(c => [...c.querySelectorAll("text, .sankey-link")].filter(e => outside(c, e)).map(e => c.dataset.figure + ": " + (e.textContent || "a flow")))};
})()"""


@pytest.mark.parametrize(("before", "width"), [(390, 1280), (1280, 390)])
def test_a_browser_fits_every_chart_to_its_card_without_error_request_or_sideways_scrolling(page, chromium, before, width, tmp_path):
    """Drawn at one width, shown at another; a request would break the page's content policy, which is an error it counts."""
    page.write_text(page.read_text(encoding="utf-8").replace("<head>", "<head>" + TRAP, 1), encoding="utf-8")
    browser = Browser(chromium, tmp_path / "profile")
    try:
        browser.width(before)
        browser.ask("Page.navigate", url=page.as_uri())
        browser.run(LOADED)
        drawn = browser.run("document.querySelectorAll('.chart .main-svg:first-child').length")
        browser.width(width)
        browser.run(PAINTED)
        verdict = browser.run(MEASURED)
    finally:
        browser.close()
    assert drawn == verdict["wanted"] > 5
    assert verdict["errors"] == []
    assert verdict["width"] == width
    assert verdict["wide"] <= 0
    assert verdict["unfit"] == []
    assert verdict["cut"] == []
