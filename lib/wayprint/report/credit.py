"""Blocks about what marketing brings: credit by every rule, and what comes back of what is spent."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from wayprint.report.block import ACCENT, PALE, WARM, Block, Frames, draw, missing, money, share, whole
from wayprint.report.settings import ReportSettings

RULES = {  # of credit, as a reader who meets them first needs them
    "first": "all to the first channel", "last": "all to the last", "last_non_direct": "all to the last that is not Direct", "linear": "equal parts",
    "position": "most to first and last", "time_decay": "more to the latest", "markov": "by the sales that would be lost if the channel were cut out of all paths",
    "shapley": "by what each channel adds on average to the others"}


def attribution(frames: Frames, settings: ReportSettings, truth: pd.DataFrame | None) -> Block:
    credits = frames["channel_credits"]
    if credits.empty:
        return missing("attribution", "No sale to attribute yet", "Bring orders or till tickets, and visits with their campaigns.")
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
        return Block("attribution", "No sale followed a marketing touch", whole(total), "conversions", "Check that campaigns carry utm parameters.", draw(figure), credits)
    if total < settings.least_cell:
        return Block("attribution", f"{whole(total)} sales are too few to say what marketing brings", whole(total), "sales", "Wait for more sales before moving a budget.",
                     draw(figure, 130 + 28 * len(order)), credits, note)
    best = marketing.iloc[0]
    paid = set(frames["returns"].loc[frames["returns"]["cost_amount"] > 0, "channel"])
    withheld = next((channel for channel in order if channel in paid), "it")  # what is paid for can be withheld from some
    spread = credits[credits["channel"] == best["channel"]]["conversions"] / total
    return Block(
        "attribution", f"Of all marketing {best['channel']} is credited with most sales: {share(best['conversions'] / total)}, or {share(spread.min())} to {share(spread.max())} depending on the rule of credit",
        share(float(marketing["conversions"].sum()) / total), f"of sales are credited to marketing (rule: {headline})",
        f"Before you move a channel's budget, leave a group without {withheld} and compare: rules of credit may agree and still be wrong together.",
        draw(figure, 130 + 28 * len(order)), credits.sort_values(["model", "conversions"], ascending=[True, False])[
            ["model", "channel", "conversions", "conversions_low", "conversions_high", "revenue_amount", "removal_effect"]], note,
        f"{whole(untouched)} sales had no known contact before them and are credited to nobody.")


def returns(frames: Frames, settings: ReportSettings, truth: pd.DataFrame | None) -> Block:
    of_channels = frames["returns"][frames["returns"]["campaign"].isna() & (frames["returns"]["cost_amount"] > 0)]
    rule = "markov_split" if settings.headline_model == "markov" else settings.headline_model  # the chain's own credit has no campaigns
    by = of_channels.groupby(["channel", "currency"])
    ranges = pd.concat([by["return_on_spend"].agg(rule_low="min", rule_high="max"), by["return_low"].min().rename("low"), by["return_high"].max().rename("high")], axis=1)
    rows = of_channels[of_channels["model"] == rule].join(ranges, on=["channel", "currency"]).sort_values("return_on_spend", ascending=False)
    if rows.empty:
        return missing("returns", "No media cost yet", "Bring the platforms' cost reports (conf/sources/ads_*.yaml) to see what each channel returns.")
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
        draw(figure, 120 + 42 * len(rows)), everything[["channel", "currency", "cost_amount", "conversions", "revenue_amount", "cost_per_conversion", "return_on_spend", "return_low", "return_high"]],
        f"{note}Thin lines: from the lowest to the highest that any rule of credit and chance (95 %) allow; pale: fewer than {settings.least_cell} sales. Bars: rule {rule}; revenue net of refunds, not margin. "
        f"Dotted line: revenue equals spend.{others}")
