"""One block of the report, and how it is drawn and worded."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

import pandas as pd
import plotly.graph_objects as go

Frames = dict[str, pd.DataFrame]
INK, SOFT, ACCENT, WARM = "#1f2a37", "#9aa7b5", "#0f766e", "#c2410c"
PALE = "#c3ccd5"
PALETTE = ["#0f766e", "#c2410c", "#1d4ed8", "#a16207", "#7c3aed", "#be123c", "#4d7c0f", "#64748b"]


@dataclass
class Block:
    """One section; `action` is what to do, in a sentence, `more` what else to know for it; `figure` plotly JSON or None, `table` what stands behind it."""

    id: str
    title: str
    number: str
    unit: str
    action: str
    figure: str | None = None
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    note: str = ""
    more: str = ""


def draw(figure: go.Figure, height: int = 380) -> str:
    figure.update_layout(
        template="plotly_white", height=height, margin={"l": 10, "r": 10, "t": 10, "b": 10}, font={"family": "system-ui, sans-serif", "size": 12, "color": INK},
        colorway=PALETTE, legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "traceorder": "normal"}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True, ticks="outside", ticklen=7, tickcolor="rgba(0,0,0,0)")
    return str(figure.to_json())


def label(text: str) -> str:
    """Words for a name, in lines that leave room for the chart on a telephone."""
    return "<br>".join(textwrap.wrap(text.replace("_", " "), 20))


def whole(value: float) -> str:
    return f"{value:,.0f}"


def share(value: float) -> str:
    return f"{100 * value:.0f} %" if value >= 0.1 else f"{100 * value:.1f} %"


def money(value: float, currency: str | None) -> str:
    return f"{value:,.0f} {currency or ''}".strip()


def missing(id: str, title: str, action: str) -> Block:
    return Block(id, title, "–", "", action)
