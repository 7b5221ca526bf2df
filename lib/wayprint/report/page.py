"""One offline HTML file: page one for everybody, then a block a subject; no request leaves it."""

from __future__ import annotations

import base64
import datetime as dt
import json
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import pandas as pd
from plotly.offline import get_plotlyjs

from wayprint.report.block import Block, Frames, share, whole
from wayprint.report.blocks import NAMES, all_blocks
from wayprint.report.frames import REPORT_READS, gather
from wayprint.report.settings import ReportSettings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["REPORT_READS", "write_report"]
SAYS = ("identity", "flow", "attribution", "audiences", "quality")  # the blocks behind the five sentences, whose advice stands beside them


def write_report(tables: dict[str, DataFrame], settings: ReportSettings, folder: Path, as_of: dt.date, truth: Path | None = None) -> tuple[Path, list[str]]:
    """Write `folder`/report.html; its path and the five sentences of page one.

    `truth`: a folder with channel_effects.csv of a simulated world, drawn beside the models. The file replaces the former
    one at once, so a reader never meets half of it.
    """
    frames = gather(tables)
    effects = pd.read_csv(truth / "channel_effects.csv") if truth is not None and (truth / "channel_effects.csv").exists() else None
    blocks = all_blocks(frames, settings, effects)
    sentences = five_sentences(frames, blocks, settings)
    target, partial = folder / "report.html", folder / "report.html.partial"
    partial.write_text(render(blocks, five_numbers(frames, blocks), sentences, settings, as_of), encoding="utf-8")
    partial.replace(target)
    return target, sentences


def five_numbers(frames: Frames, blocks: list[Block]) -> list[tuple[str, str, str]]:
    """Number, what it is, the block that explains it."""
    by_id = {b.id: b for b in blocks}
    sales = frames["conversions"]
    return [
        (by_id["identity"].number, "known customers", "identity"),
        (whole(frames["journeys"]["count"].sum()), "journeys", "flow"),
        (whole(sales["count"].sum()) if len(sales) else "0", "purchases", "attribution"),
        (by_id["audiences"].number, "places in audiences", "audiences"),
        (by_id["quality"].number, "records not usable", "quality"),
    ]


def five_sentences(frames: Frames, blocks: list[Block], settings: ReportSettings) -> list[str]:
    """People found, journeys, what brings sales, who to talk to, what is wrong with the data."""
    by_id = {b.id: b for b in blocks}
    journeys = frames["journeys"]
    finished = float(journeys.loc[journeys["ended_by"] != "open", "count"].sum())
    sold = journeys[journeys["ended_by"] == "conversion"]
    bought, crossing = float(sold["count"].sum()), float(sold["crosses_store"].sum())

    def of(part: float, all_of_them: float) -> str:  # a rate of a few is chance
        return share(part / all_of_them) if all_of_them >= settings.least_cell else whole(part)

    return [
        by_id["identity"].title + ".",
        f"Of {whole(finished)} finished journeys {of(bought, finished)} ended in a purchase, and {of(crossing, bought)} of these went through both a digital "
        f"and a physical place; {whole(float(journeys['count'].sum()) - finished)} still go on.",
        by_id["attribution"].title + ".",
        by_id["audiences"].title + ".",
        by_id["quality"].title + ".",
    ]


def render(blocks: list[Block], numbers: list[tuple[str, str, str]], sentences: list[str], settings: ReportSettings, as_of: dt.date) -> str:
    by_id = {b.id: b for b in blocks}
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined, finalize=_unbroken)
    template = environment.from_string((files("wayprint.report") / "page.html").read_text(encoding="utf-8"))
    return template.render(
        title=settings.title, as_of=as_of.isoformat(), scope=_scope(settings), names=NAMES, numbers=numbers, plotly=get_plotlyjs(),
        sentences=[(said, by_id[name]) for said, name in zip(sentences, SAYS, strict=True)],
        blocks=[{"block": b, "figure": b.figure and _script_safe(b.figure), **_table(b.table, settings.table_rows)} for b in blocks])


def _unbroken(value: Any) -> Any:
    """A number and its % stay on one line."""
    return value.replace(" %", "\u00a0%") if type(value) is str else value


def _scope(settings: ReportSettings) -> str:
    scope = settings.stages.get("scope") or {}
    parts = [scope.get("target"), ", ".join(scope.get("countries") or []), scope.get("offer"), ", ".join(scope.get("families") or [])]
    return ", ".join(part for part in parts if part)


def _script_safe(text: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(json.loads(text), separators=(",", ":")).replace("<", "\\u003c")


def _table(frame: pd.DataFrame, rows: int) -> dict[str, Any]:
    """Header and the first rows as text, and all of it as a CSV to download."""
    csv = frame.head(2000).to_csv(index=False)
    return {
        "header": list(frame.columns), "rows": [[_text(v) for v in row] for row in frame.head(rows).itertuples(index=False)], "total": len(frame),
        "csv": "data:text/csv;base64," + base64.b64encode(("\ufeff" + csv).encode()).decode() if len(frame.columns) else ""}


def _text(value: Any) -> str:
    if value is None or (not isinstance(value, list | tuple | str) and pd.isna(value)):
        return ""
    if isinstance(value, float):
        return f"{value:,.{0 if value == round(value) or abs(value) >= 100 else 1 if abs(value) >= 10 else 3}f}"
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
