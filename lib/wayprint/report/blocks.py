"""The blocks of the report: each a sentence as title, one number, what to do, a chart, and the table behind it.

A block reads the frames of `frames.gather` and nothing else. A rate of fewer than `least_cell` cases is never named in a
sentence nor as a number: what there is, is counted instead; in a chart it is pale or marked. Every function copes with empty frames: it then says what is missing and how to bring it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from wayprint.report.settings import ReportSettings
from wayprint.tables.quality import NO_CURRENCY

Frames = dict[str, pd.DataFrame]
INK, SOFT, ACCENT, WARM = "#1f2a37", "#9aa7b5", "#0f766e", "#c2410c"
NAMES = {
    "identity": "People", "matrix": "Touchpoints", "flow": "Channel changes", "funnel": "Funnel", "effort": "Visits to buy", "attribution": "Credit",
    "returns": "Returns", "model": "Prediction", "audiences": "Audiences", "quality": "Data quality", "kpis": "Key figures"}
RULES = {  # of credit, as a reader who meets them first needs them
    "first": "all to the first channel", "last": "all to the last", "last_non_direct": "all to the last that is not Direct", "linear": "equal parts",
    "position": "most to first and last", "time_decay": "more to the latest", "markov": "by the sales that would be lost if the channel were cut out of all paths",
    "shapley": "by what each channel adds on average to the others"}
REASONS = {  # why an event was left out, in words
    "bot_agent": "a robot by its own name", "bot_rate": "more hits a minute than a person makes", "other_tracker": "seen by a second tracker",
    "clock_before_2000": "a clock before 2000", "clock_in_future": "a clock in the future", "other_payload": "told again with other content"}
FEW = " (few: chance)"
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


def _figure(figure: go.Figure, height: int = 380) -> str:
    figure.update_layout(
        template="plotly_white", height=height, margin={"l": 10, "r": 10, "t": 10, "b": 10}, font={"family": "system-ui, sans-serif", "size": 12, "color": INK},
        colorway=PALETTE, legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "traceorder": "normal"}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True, ticks="outside", ticklen=7, tickcolor="rgba(0,0,0,0)")
    return str(figure.to_json())


def _label(text: str) -> str:
    """Words for a name, in lines that leave room for the chart on a telephone."""
    return "<br>".join(textwrap.wrap(text.replace("_", " "), 20))


def whole(value: float) -> str:
    return f"{value:,.0f}"


def share(value: float) -> str:
    return f"{100 * value:.0f} %" if value >= 0.1 else f"{100 * value:.1f} %"


def money(value: float, currency: str | None) -> str:
    return f"{value:,.0f} {currency or ''}".strip()


def _currency(frames: Frames) -> str | None:
    found = frames["conversions"].groupby("currency")["count"].sum() if len(frames["conversions"]) else pd.Series(dtype=float)
    return str(found.idxmax()) if len(found) else None


def identity_alarms(health: Mapping[str, float]) -> list[str]:
    """What in the figures says that persons were taken for one another, and what to do; needs no truth."""
    said = (
        (health.get("largest_component", 0) >= 100,
            f"One person has {whole(health.get('largest_component', 0))} identifiers, more than anybody uses: run `wayprint explain` on them and block what welds them."),
        (health.get("persons_with_two_birth_years", 0) > 0.02,
            f"{share(health.get('persons_with_two_birth_years', 0))} of the people have two birth years: two people may share one e-mail or card; "
            "split them (`wayprint identity split`), and ask the CRM team which year is right."),
        (health.get("persons_with_many_names", 0) > 0.01,
            f"{share(health.get('persons_with_many_names', 0))} of the people have four given names and more: an address or number is used by many; block it."))
    return [words for fires, words in said if fires]


def identity(frames: Frames) -> Block:
    health = dict(zip(frames["identity_health"]["measure"], frames["identity_health"]["value"], strict=True))
    audit, persons = frames["identity_audit"], frames["persons"]
    known = persons[persons["is_known"].astype(bool)]
    customers, several = float(known["count"].sum()), float(known["several_devices"].sum())
    gated = len(frames["identity_gates"]) > 0  # what is published passed them: a shut gate stops the publish and is told by the run
    bars = audit.sort_values("count")
    figure = go.Figure(go.Bar(x=bars["count"], y=bars["rule"].map(_label), orientation="h", marker_color=ACCENT)) if len(bars) else None
    table = frames["identity_health"].sort_values("measure")[["measure", "value", "meaning"]]
    return Block(
        "identity", f"{whole(customers)} customers are known by a login, e-mail, phone or card, {whole(several)} of them on several devices, "
        f"beside {whole(persons['count'].sum() - customers)} visitors without a name",
        whole(customers), "known customers; visitors without a name are counted by device, so one of them may be several",
        " ".join(identity_alarms(health)) or "To know more people by name, ask for the login or the card earlier on the site and at the till.",
        _figure(figure, 90 + 34 * len(bars)) if figure else None, table,
        "Bars: links and identifiers that were refused, and why. Shared device: seen with several logins. Fan out: tied to too many others. Blocklist: a value that names nobody.",
        f"{whole(health.get('edges_refused', 0))} links between identifiers (cookie, e-mail, phone, card) were refused so that nobody is taken for somebody else; "
        f"the person with most has {whole(health.get('largest_component', 0))}." + (" Checked: what is published follows these rules." if gated else ""))


def stage_channel(frames: Frames, settings: ReportSettings) -> Block:
    cells = frames["stage_channel_matrix"]
    if cells.empty:
        return _missing("matrix", "No touchpoint yet", "Bring events: the matrix needs touches placed in stages (conf/stages.yaml).")
    touched = cells[cells["touches"] > 0]  # others have survey answers alone
    order = [s["name"] for s in settings.stages["stages"] if s["name"] in set(touched["stage"])]
    channels = cells.groupby("channel")["touches"].sum().sort_values(ascending=False).index.tolist()
    touches = cells.pivot_table(index="channel", columns="stage", values="touches", aggfunc="sum").reindex(index=channels[::-1], columns=order)
    text = [[_cell(cells, stage, channel, settings) for stage in order] for channel in channels[::-1]]
    figure = go.Figure(go.Heatmap(
        z=touches.map(lambda v: None if pd.isna(v) or v <= 0 else float(pd.Series([v]).apply("log10").iloc[0])).to_numpy(dtype=object).tolist(),
        x=order, y=channels[::-1], colorscale="Teal", showscale=False, text=text, hovertemplate="%{y}, %{x}<br>%{text}<extra></extra>", xgap=2, ygap=2))
    figure.update_xaxes(side="top")
    rated = cells[(cells["answers"] >= settings.least_cell)].sort_values("satisfaction_rate")
    sure = cells[(cells["journeys"] >= settings.least_cell) & (cells["phase"] == "before")].sort_values("conversion_low", ascending=False)
    best = sure.iloc[0] if len(sure) else None
    worst = rated.iloc[0] if len(rated) else None
    title = f"{whole(cells['touches'].sum())} moments of contact fall on {len(touched)} touchpoints"
    if best is not None:
        title += f"; journeys that reach the stage “{best['stage']}” by {best['channel']} end most often in a purchase ({whole(best['converted'])} of {whole(best['journeys'])} finished ones)"
    action = (f"Mend the stage “{worst['stage']}” in the channel {worst['channel']} first: only {share(worst['satisfaction_rate'])} of {whole(worst['answers'])} survey answers there are satisfied."
              if worst is not None else f"No touchpoint has {settings.least_cell} survey answers yet: ask for satisfaction after a purchase and after a ticket.")
    table = cells.sort_values("touches", ascending=False)[
        ["stage", "channel", "touches", "persons", "journeys", "conversion_rate", "conversion_low", "conversion_high", "answers", "satisfaction_rate", "satisfaction_low", "satisfaction_high"]]
    return Block("matrix", title, str(len(touched)), "touchpoints: a stage of the journey in a channel", action, _figure(figure, 80 + 26 * len(channels)), table,
                 "Darker: more moments of contact (log scale). Point at a cell for its rates, each with the range that chance allows (95 %). Stages: "
                 + "; ".join(f"{s['name']}: {s['meaning']}" for s in settings.stages["stages"] if s["name"] in order) + ".")


def _cell(cells: pd.DataFrame, stage: str, channel: str, settings: ReportSettings) -> str:
    found = cells[(cells["stage"] == stage) & (cells["channel"] == channel)]
    if found.empty:
        return ""
    row = found.iloc[0]
    said = f"{whole(row['touches'])} touches by {whole(row['persons'])} people"
    if row["journeys"] > 0:
        said += f"<br>{share(row['conversion_rate'])} of {whole(row['journeys'])} journeys convert [{share(row['conversion_low'])}, {share(row['conversion_high'])}]"
        said += FEW if row["journeys"] < settings.least_cell else ""
    if row["answers"] > 0:
        said += f"<br>{share(row['satisfaction_rate'])} of {whole(row['answers'])} answers satisfied [{share(row['satisfaction_low'])}, {share(row['satisfaction_high'])}]"
        said += FEW if row["answers"] < settings.least_cell else ""
    return said


def flows(frames: Frames, settings: ReportSettings) -> Block:
    found = frames["channel_flows"]
    steps = found[found["from_channel"] != found["to_channel"]].sort_values(["journeys", "from_channel", "to_channel"], ascending=[False, True, True])
    top = steps[steps["journeys"] > 0].head(28)
    if top.empty:
        return _missing("flow", "No journey moves between channels yet", "Bring a second source with a login, card or e-mail in common.")
    left = [f"{c} " for c in sorted(set(top["from_channel"]))]
    right = sorted(set(top["to_channel"]))
    places = {name: n for n, name in enumerate([*left, *right])}
    figure = go.Figure(go.Sankey(
        node={"label": [*(name.strip() for name in left), *right], "pad": 10, "thickness": 12, "color": ACCENT},
        link={"source": [places[f"{c} "] for c in top["from_channel"]], "target": [places[c] for c in top["to_channel"]], "value": top["journeys"], "color": "rgba(15,118,110,0.25)"}))
    between = steps[~steps["from_channel"].str.startswith("(") & ~steps["to_channel"].str.startswith("(") & (steps["inbound_journeys"] >= settings.least_cell)]
    between = between.sort_values(["inbound_journeys", "from_channel", "to_channel"], ascending=[False, True, True])
    journeys = frames["journeys"]
    total, switched = float(journeys["count"].sum()), float(journeys["has_channel_switch"].sum())
    most = between.iloc[0] if len(between) else None
    if total < settings.least_cell:
        title, number, unit = f"{whole(total)} journeys are too few to say how many change channel", whole(switched), f"of {whole(total)} journeys change channel"
    else:
        title, number, unit = f"{share(switched / total)} of journeys change channel", share(switched / total), "of journeys change channel"
    title += f", most often from {most['from_channel']} to {most['to_channel']}" if most is not None else ""
    return Block("flow", title, number, unit,
                 f"Make the step from {most['from_channel']} to {most['to_channel']} seamless: same basket, same offer, no second login." if most is not None
                 else f"No step between two channels was made by {settings.least_cell} journeys yet.", _figure(figure, 460), found.sort_values("journeys", ascending=False), "The 28 most frequent steps, from left to right, what is only sent among them; the step named above is the most frequent in which people go by themselves. (start): a journey begins; (conversion): it ends in a purchase; (silence): it fades out; (open): it still goes on.")


def funnel(frames: Frames, settings: ReportSettings) -> Block:
    stages = frames["stage_funnel"].sort_values("position")
    if len(stages) < 2:
        return _missing("funnel", "No buying stages yet", "Place events in stages: conf/stages.yaml.")
    persons, names = stages["persons"].tolist(), stages["stage"].tolist()
    losses = [a - b for a, b in pairwise(persons)]
    worst = max(range(len(losses)), key=lambda n: losses[n])
    meaning = next((f" ({s['meaning']})" for s in settings.stages["stages"] if s["name"] == names[-1]), "")
    way = f"from “{names[0]}” to “{names[-1]}”"
    is_few = persons[0] < settings.least_cell
    figure = go.Figure(go.Funnel(y=names, x=persons, texttemplate="%{value:,}" if is_few else "%{value:,}<br>%{percentInitial:.0%}", marker={"color": PALE if is_few else ACCENT}))
    if is_few:
        title, number, unit = f"{whole(persons[0])} people who enter are too few to say where most are lost", whole(persons[-1]), f"of {whole(persons[0])} people go {way}"
        action = "Wait for more people before changing a step."
    else:
        through = persons[-1] / persons[0]
        title = f"{share(through)} of the people who enter reach the stage “{names[-1]}”{meaning}" + (f"; most are lost after “{names[worst]}”" if losses[worst] > 0 else "")
        number, unit = share(through), f"of people go {way}"
        action = (f"{whole(losses[worst])} people come as far as “{names[worst]}” and no further: make the next step easier to see and to take."
                  if losses[worst] > 0 else "Nobody is lost on the way: look at how few enter.")
    return Block("funnel", title, number, unit, action, _figure(figure, 320), stages[["position", "stage", "persons", "journeys"]],
                 "A person counts in a stage if it or a later one was reached: a stage that is passed over is not lost.")


def effort(frames: Frames, settings: ReportSettings) -> Block:
    rows = frames["purchase_effort"]
    if rows.empty:
        return _missing("effort", "No purchase yet", "Bring orders or till tickets.")
    by_visits = rows.groupby("visits")["conversions"].sum().sort_index()
    total = float(by_visits.sum())
    several = float(by_visits[by_visits.index > 1].sum())
    sources = float(rows.loc[rows["sources"] > 1, "conversions"].sum())
    shown = by_visits.groupby(lambda v: str(v) if v < 10 else "10+").sum().reindex([*map(str, range(10)), "10+"]).dropna()
    figure = go.Figure(go.Bar(x=shown.index, y=shown.to_numpy(), marker_color=ACCENT))
    figure.update_xaxes(title="visits up to the purchase", type="category")
    figure.update_yaxes(title="purchases")
    if total < settings.least_cell:
        title, number, unit = f"{whole(total)} purchases are too few to say how many visits one takes", whole(several), f"of {whole(total)} purchases took several visits"
    else:
        title = f"Of {whole(total)} purchases whose buyer was seen coming {share(several / total)} take more than one visit, {share(sources / total)} more than one channel"
        number, unit = share(several / total), "of these purchases take several visits"
    return Block("effort", title, number, unit, "Judge campaigns over the whole cycle, not per visit: a visit that does not sell may be the one that begins a sale.",
                 _figure(figure, 300), rows.sort_values("conversions", ascending=False)[["visits", "sources", "conversions", "median_days"]])


def attribution(frames: Frames, settings: ReportSettings, truth: pd.DataFrame | None) -> Block:
    credits = frames["channel_credits"]
    if credits.empty:
        return _missing("attribution", "No sale to attribute yet", "Bring orders or till tickets, and visits with their campaigns.")
    models = sorted(set(credits["model"]))
    headline = settings.headline_model if settings.headline_model in models else models[0]
    mine = credits[credits["model"] == headline]
    total = float(mine["conversions"].sum())
    marketing = mine[~mine["channel"].isin(["(none)", "Direct"])].sort_values("conversions", ascending=False)
    order = (marketing if len(marketing) else mine)["channel"].tolist()
    figure = go.Figure()
    for model in models:
        rows = credits[credits["model"] == model].set_index("channel").reindex(order)
        figure.add_scatter(name=model.replace("_", " "), y=order, x=(rows["conversions"] / total).tolist(), mode="markers", cliponaxis=False, marker={"size": 13 if model == headline else 9},
                           visible=True if model in (headline, "last", "markov", "first") else "legendonly")
    direct, untouched = (float(mine.loc[mine["channel"] == c, "conversions"].sum()) for c in ("Direct", "(none)"))
    note = ("Share of all purchases that each rule of credit gives to a channel; click a rule to show or hide it. "
            + "; ".join(f"{m.replace('_', ' ')}: {RULES[m]}" for m in models if m in RULES)
            + f". Not drawn: sales of people who came by themselves ({share(direct / total)}) or had no known contact ({share(untouched / total)}). No rule of credit is proof of effect: only a held-out group is.")
    if truth is not None and len(truth):
        known = truth.set_index("channel").reindex(order)
        figure.add_scatter(name="simulated truth", y=order, x=(known["true_incremental_conversions"] / known["expected_conversions"]).tolist(), mode="markers", cliponaxis=False,
                           marker={"symbol": "diamond", "size": 11, "color": "#111"})
        note = "Diamonds: what the simulated world really owes to each channel (sales lost without it); it has no other causes among channels. " + note
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=order)
    if marketing.empty:
        return Block("attribution", "No sale followed a marketing touch", whole(total), "conversions", "Check that campaigns carry utm parameters.", _figure(figure), credits)
    if total < settings.least_cell:
        return Block("attribution", f"{whole(total)} sales are too few to say what marketing brings", whole(total), "sales", "Wait for more sales before moving a budget.",
                     _figure(figure, 130 + 28 * len(order)), credits, note)
    best = marketing.iloc[0]
    paid = set(frames["returns"].loc[frames["returns"]["cost_amount"] > 0, "channel"])
    withheld = next((channel for channel in order if channel in paid), "it")  # what is paid for can be withheld from some
    spread = credits[credits["channel"] == best["channel"]]["conversions"] / total
    return Block(
        "attribution", f"Of all marketing {best['channel']} is credited with most sales: {share(best['conversions'] / total)}, or {share(spread.min())} to {share(spread.max())} depending on the rule of credit",
        share(float(marketing["conversions"].sum()) / total), f"of sales are credited to marketing (rule: {headline})",
        f"Before you move a channel's budget, leave a group without {withheld} and compare: rules of credit may agree and still be wrong together.",
        _figure(figure, 130 + 28 * len(order)), credits.sort_values(["model", "conversions"], ascending=[True, False])[
            ["model", "channel", "conversions", "conversions_low", "conversions_high", "revenue_amount", "removal_effect"]], note,
        f"{whole(untouched)} sales had no known contact before them and are credited to nobody.")


def returns(frames: Frames, settings: ReportSettings, truth: pd.DataFrame | None) -> Block:
    of_channels = frames["returns"][frames["returns"]["campaign"].isna() & (frames["returns"]["cost_amount"] > 0)]
    rule = "markov_split" if settings.headline_model == "markov" else settings.headline_model  # the chain's own credit has no campaigns
    by = of_channels.groupby(["channel", "currency"])
    ranges = pd.concat([by["return_on_spend"].agg(rule_low="min", rule_high="max"), by["return_low"].min().rename("low"), by["return_high"].max().rename("high")], axis=1)
    rows = of_channels[of_channels["model"] == rule].join(ranges, on=["channel", "currency"]).sort_values("return_on_spend", ascending=False)
    if rows.empty:
        return _missing("returns", "No media cost yet", "Bring the platforms' cost reports (conf/sources/ads_*.yaml) to see what each channel returns.")
    everything = rows
    currency = str(rows.groupby("currency")["cost_amount"].sum().idxmax())  # what most is spent in; amounts of two currencies are not added
    rows = rows[rows["currency"] == currency]
    others = f" Spend in {', '.join(sorted(set(everything['currency']) - {currency}))} stands in the table alone." if len(everything) > len(rows) else ""
    low, high = rows["low"].fillna(rows["rule_low"]), rows["high"].fillna(rows["rule_high"])
    figure = go.Figure(go.Bar(
        x=rows["return_on_spend"], y=rows["channel"], orientation="h", marker_color=[PALE if few else ACCENT for few in rows["conversions"] < settings.least_cell],
        error_x={"type": "data", "symmetric": False, "array": (high - rows["return_on_spend"]).tolist(), "arrayminus": (rows["return_on_spend"] - low).tolist()}))
    figure.add_vline(x=1, line_dash="dot", line_color=WARM)
    note = ""
    sold = frames["conversions"][frames["conversions"]["currency"] == currency]
    if truth is not None and len(truth) and len(sold):
        caused = truth.set_index("channel")["true_incremental_conversions"].reindex(rows["channel"]).to_numpy()
        worth = float(sold["revenue_amount"].sum() / sold["count"].sum())
        figure.add_scatter(x=(caused * worth / rows["cost_amount"]).tolist(), y=rows["channel"], mode="markers", marker={"symbol": "diamond", "size": 11, "color": "#111"})
        figure.update_layout(showlegend=False)
        note = "Diamonds: what the simulated world really earns by each channel, at the mean worth of a sale. "
    sure = rows[rows["conversions"] >= settings.least_cell]
    figure.update_xaxes(title=f"{currency} of revenue per {currency} spent")
    figure.update_yaxes(autorange="reversed")
    weak = sure[sure["high"].fillna(float("inf")) < 1]
    spend = float(rows["cost_amount"].sum())
    if len(sure):
        best = sure.iloc[0]
        title = f"{money(spend, currency)} were spent on media; {best['channel']} is credited with most: {best['return_on_spend']:.1f} {currency} per {currency} spent, or {best['rule_low']:.1f} to {best['rule_high']:.1f} depending on the rule of credit"
    else:
        title = f"{money(spend, currency)} were spent on media; no channel is credited with {settings.least_cell} sales yet, so chance rules what each returns"
    if rows["conversions"].sum() >= settings.least_cell:
        number, unit = f"{float(rows['revenue_amount'].sum()) / spend:.1f}", f"{currency} of revenue per {currency} spent, all channels together"
    else:
        number, unit = money(spend, currency), "spent on media"
    return Block(
        "returns", title, number, unit,
        (f"Even at best {', '.join(weak['channel'])} returns less than it costs: cut it, or hold out a group to prove its worth." if len(weak)
         else f"No channel is surely below its cost. Credit is no proof: before you move a budget, leave a group without {rows.loc[rows['cost_amount'].idxmax(), 'channel']}, on which most is spent, and compare."),
        _figure(figure, 120 + 42 * len(rows)), everything[["channel", "currency", "cost_amount", "conversions", "revenue_amount", "cost_per_conversion", "return_on_spend", "return_low", "return_high"]],
        f"{note}Thin lines: from the lowest to the highest that any rule of credit and chance (95 %) allow; pale: fewer than {settings.least_cell} sales. Bars: rule {rule}; revenue net of refunds, not margin. "
        f"Dotted line: revenue equals spend.{others}")


def model(frames: Frames) -> Block:
    rows = frames["model_measures"]
    used = rows[rows["is_champion"].astype(bool)] if len(rows) else rows
    if used.empty:
        verdict = str(rows["verdict"].dropna().iloc[0]) if len(rows) and rows["verdict"].notna().any() else "no example yet"
        return _missing("model", "No model is trusted enough to score people", f"Reason: {verdict}. Scores appear once a model beats the base rate on people and months it has not seen.")
    value = {str(r["measure"]): {k: float(r[k]) for k in ("value", "low", "high")} for r in used.to_dict("records")}
    bins = sorted({m[:6] for m in value if m.startswith("bin_")})
    predicted = [value[f"{b}_predicted"]["value"] for b in bins]
    observed = [value[f"{b}_observed"]["value"] for b in bins]
    top = max([*predicted, *observed, 0.01])
    figure = go.Figure([
        go.Scatter(x=[0, top], y=[0, top], mode="lines", line={"dash": "dot", "color": SOFT}, name="perfect"),
        go.Scatter(x=predicted, y=observed, mode="lines+markers", line={"color": ACCENT}, name="this model")])
    figure.update_xaxes(title="predicted chance to buy", rangemode="tozero", tickformat=".0%")
    figure.update_yaxes(title="share that bought", tickformat=".0%")
    name, candidate = str(used["model"].iloc[0]), str(used["candidate"].iloc[0])
    auc, known, error = value["roc_auc"], value.get("roc_auc_known"), value["calibration_error"]
    shown, among = (known, "known ") if known else (auc, "")
    known_too = f" among known people; {share(auc['value'])} among all, passers-by included" if known else ""
    base = rows[(rows["candidate"] == "base_rate") & (rows["measure"] == "average_precision")]["value"]
    precision = value["average_precision"]
    buyers, judged = (value[m]["value"] for m in ("positives", "examples"))
    lift = f" {whole(buyers)} of {whole(judged)} bought. Finding buyers, it is {float(precision['value']) / float(base.iloc[0]):.1f} times as precise as chance (average precision)." if len(base) and float(base.iloc[0]) > 0 else ""
    return Block(
        "model", f"Of a {among}buyer and a {among}non-buyer, the model {name} picks the buyer {share(shown['value'])} of the time; the chances it states are off by {100 * error['value']:.1f} points on average",
        share(shown["value"]), f"of pairs ranked right{known_too}; 50 % is chance (AUC {shown['value']:.2f}, 95 % interval {shown['low']:.2f} to {shown['high']:.2f}; {candidate})",
        "Spend calls and offers on the fifth of people ranked highest, by an audience on the score: it asks for consent and leaves a group out to compare with.",
        _figure(figure, 340), rows[~rows["measure"].str.startswith("bin_")].sort_values(["candidate", "measure"])[["model", "candidate", "measure", "value", "low", "high", "is_champion", "verdict"]],
        "Judged on people and a month that it never saw. Dotted: what is predicted happens. The model knows behaviour, not reasons." + lift)


def audiences(frames: Frames, settings: ReportSettings) -> Block:
    sizes = frames["audience_sizes"]
    if sizes.empty:
        return _missing("audiences", "No audience yet", "Add a file to conf/audiences.")
    now = sizes[sizes["counted_on"] == sizes["counted_on"].max()]
    now = now.assign(is_exclusion=now["is_exclusion"].astype(bool)).sort_values(["is_exclusion", "members"], ascending=[False, True])  # lists that exclude lie lowest
    titles = (now["title"] + now["is_exclusion"].map({True: " (exclusion)", False: ""})).map(_label)
    figure = go.Figure([
        go.Bar(y=titles, x=now["members"] - now["holdout"], name="ready to use", orientation="h", marker_color=ACCENT),
        go.Bar(y=titles, x=now["holdout"], name="held out", orientation="h", marker_color="#5eead4"),
        go.Bar(y=titles, x=now["suppressed"], name="suppressed", orientation="h", marker_color=WARM),
        go.Bar(y=titles, x=now["without_basis"], name="no consent", orientation="h", marker_color="#d6dde5")])
    figure.update_layout(barmode="stack")
    reached, excluded = now[~now["is_exclusion"]], now[now["is_exclusion"]]
    kept = f"{whole(excluded['members'].sum())} places in lists that exclude"
    usable = reached["members"] - reached["holdout"]
    if usable.sum() > 0:
        ready, largest = int((usable > 0).sum()), usable.idxmax()
        said = f"{ready} audience{'s are' if ready > 1 else ' is'} ready with {whole(usable.sum())} places; the largest is “{reached.loc[largest, 'title']}” with {whole(usable[largest])}"
        said += f", beside {kept}" if len(excluded) else ""
    else:
        said = f"Nobody is to be addressed: there are only {kept}"
    wanted, refused = float(reached["candidates"].sum()), float(reached["without_basis"].sum())
    least = f"Fewer than {settings.least_cell} held out say nothing of an effect: gather them over more runs, or hold out a larger share."
    return Block(
        "audiences", said,
        whole(usable.sum()), "places in audiences, each with consent or another legal basis",
        f"{share(refused / wanted) if wanted >= settings.least_cell else f'{whole(refused)} of {whole(wanted)}'} of those who meet the criteria are left out for want of consent: "
        "ask for it where they are happiest, after a good delivery or a solved ticket.",
        _figure(figure, 130 + 46 * len(now)), now[::-1][
            ["audience", "title", "is_exclusion", "candidates", "without_basis", "suppressed", "members", "holdout", "entered", "left"]],
        "A person has a place in each audience that fits. Held out: left alone on purpose, so that the effect can be measured. Suppressed: open complaint or too many contacts.",
        least if len(reached) and (reached["holdout"] < settings.least_cell).any() else "")


def quality(frames: Frames) -> Block:
    files, refused = frames["files"], pd.concat([frames["quarantine"].assign(where="unreadable"), frames["refused_events"].assign(where="left out"),
                                                  frames["repeated_events"].assign(where="left out")])
    lines, held = float(files["lines"].sum()), int(files["held"].sum())
    unreadable, left_out = (float(refused.loc[refused["where"] == where, "count"].sum()) for where in ("unreadable", "left out"))
    by_rule = refused.groupby(["where", "rule"])["count"].sum().reset_index().sort_values("count")
    figure = go.Figure(go.Bar(x=by_rule["count"], y=(by_rule["where"] + ": " + by_rule["rule"].map(lambda rule: REASONS.get(rule, rule))).map(_label), orientation="h", marker_color=WARM)) if len(by_rule) else None
    worst = frames["quarantine"].groupby("source")["count"].sum().sort_values(ascending=False)
    broken = frames["rule_results"]
    advice = []
    if held:
        why = files.loc[files["held"] > 0]
        advice.append(f"{held} files are held apart ({', '.join(why['source'])}): {why['reason'].dropna().iloc[0] if why['reason'].notna().any() else ''}.")
    if len(worst):
        advice.append(f"Begin with the source {worst.index[0]}, which gives {whole(worst.iloc[0])} of the records that could not be used.")
    remarked = files[files["remark"].notna()].sort_values("lines", ascending=False)
    if len(remarked):
        advice.append(f"Look into {remarked['source'].iloc[0]}: {remarked['remark'].iloc[0]}.")
    if len(broken):
        advice.append(f"Checks that warn: {', '.join(sorted(set('“' + broken['rule'] + '” in ' + broken['table'])))[:300]}.")
    action, *more = advice or ["Nothing to mend."]
    set_aside = refused[refused["where"] == "left out"].groupby("source")["count"].sum()
    table = files[["source", "files", "lines", "kept", "quarantined", "held"]].assign(left_out=files["source"].map(set_aside).fillna(0).astype(int)).sort_values("lines", ascending=False)
    return Block("quality", f"Of {whole(lines)} records read {whole(unreadable)} could not be used, each with its reason; {whole(left_out)} more are robots' and copies, left out on purpose",
                 whole(unreadable), "records that could not be used", action, _figure(figure, 80 + 44 * len(by_rule)) if figure else None, table,
                 "Nothing is lost: these records are kept in the tables quarantine, refused_events and repeated_events.", " ".join(more))


def kpis(frames: Frames, settings: ReportSettings) -> Block:
    rows = frames["kpis"]
    everywhere = rows[rows["channel"] == "(all)"].sort_values("month")
    revenue = everywhere[everywhere["kpi"] == "revenue_amount"].groupby("currency")["value"].sum().sort_values()
    main = str(revenue.index[-1]) if len(revenue) else NO_CURRENCY  # what most is sold in; amounts of two currencies are not added
    everywhere = everywhere[everywhere["currency"].isin([NO_CURRENCY, main])].assign(is_main=lambda found: found["currency"] == main)
    everywhere = everywhere.sort_values(["month", "is_main"]).drop_duplicates(["kpi", "month"], keep="last")
    months = sorted(set(everywhere["month"]))
    dictionary = pd.DataFrame([
        {"kpi": name, "definition": entry.get("definition"), "formula": entry.get("formula"), "unit": entry.get("unit"), "owner": entry.get("owner"), "tag": entry.get("tag"),
         **{f"{m:%Y-%m}": _value(everywhere, name, m) for m in months[-3:]}} for name, entry in settings.kpis.items()])
    sold = everywhere[everywhere["kpi"] == "revenue_amount"]
    digital = everywhere[everywhere["kpi"] == "digital_revenue_share"]
    figure = go.Figure(go.Bar(x=[f"{m:%Y-%m}" for m in sold["month"]], y=sold["value"], marker_color=ACCENT))
    figure.update_xaxes(type="category")
    figure.update_yaxes(title="revenue" if main == NO_CURRENCY else f"revenue, {main}")
    latest = float(digital["value"].iloc[-1]) if len(digital) else 0.0
    sales = (_value(everywhere, "conversions", digital["month"].iloc[-1]) if len(digital) else None) or 0.0
    if sales < settings.least_cell:
        title, number, unit = f"{whole(sales)} sales in the latest month are too few to say which share is made online", whole(sales), "sales, latest month"
    else:
        title, number, unit = f"{share(latest)} of the latest month's revenue is made online", share(latest), "of revenue online, latest month"
    return Block("kpis", f"{title}; it is one of {len(dictionary)} figures with one definition each", number, unit,
                 "Quote these and no others: each has one formula and one owner. Amounts and numbers add up over channels; rates, and people, do not.", _figure(figure, 260) if len(sold) else None, dictionary,
                 "Monthly revenue, net of refunds; the last month may not be over. All figures and their definitions are in the table."
                 + (f" Money is in {main}; what was sold in {', '.join(sorted(set(revenue.index) - {main}))} is in the table kpis." if len(revenue) > 1 else ""))


def _value(rows: pd.DataFrame, name: str, month: Any) -> float | None:
    found = rows[(rows["kpi"] == name) & (rows["month"] == month)]["value"]
    return float(found.iloc[0]) if len(found) and pd.notna(found.iloc[0]) else None


def _missing(id: str, title: str, action: str) -> Block:
    return Block(id, title, "–", "", action)


def all_blocks(frames: Frames, settings: ReportSettings, truth: pd.DataFrame | None) -> list[Block]:
    """Every section after page one, in reading order."""
    return [
        identity(frames), stage_channel(frames, settings), flows(frames, settings), funnel(frames, settings), effort(frames, settings), attribution(frames, settings, truth),
        returns(frames, settings, truth), model(frames), audiences(frames, settings), quality(frames), kpis(frames, settings)]
