"""Blocks about journeys: touchpoints, changes of channel, the funnel, the visits that a purchase takes."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import plotly.graph_objects as go

from wayprint.report.block import ACCENT, PALE, Block, Frames, draw, missing, share, whole
from wayprint.report.settings import ReportSettings

FEW = " (few: chance)"


def stage_channel(frames: Frames, settings: ReportSettings) -> Block:
    cells = frames["stage_channel_matrix"]
    if cells.empty:
        return missing("matrix", "No touchpoint yet", "Bring events: the matrix needs touches placed in stages (conf/stages.yaml).")
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
    return Block("matrix", title, str(len(touched)), "touchpoints: a stage of the journey in a channel", action, draw(figure, 80 + 26 * len(channels)), table,
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
        return missing("flow", "No journey moves between channels yet", "Bring a second source with a login, card or e-mail in common.")
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
                 else f"No step between two channels was made by {settings.least_cell} journeys yet.", draw(figure, 460), found.sort_values("journeys", ascending=False), "The 28 most frequent steps, from left to right, what is only sent among them; the step named above is the most frequent in which people go by themselves. (start): a journey begins; (conversion): it ends in a purchase; (silence): it fades out; (open): it still goes on.")


def funnel(frames: Frames, settings: ReportSettings) -> Block:
    stages = frames["stage_funnel"].sort_values("position")
    if len(stages) < 2:
        return missing("funnel", "No buying stages yet", "Place events in stages: conf/stages.yaml.")
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
    return Block("funnel", title, number, unit, action, draw(figure, 320), stages[["position", "stage", "persons", "journeys"]],
                 "A person counts in a stage if it or a later one was reached: a stage that is passed over is not lost.")


def effort(frames: Frames, settings: ReportSettings) -> Block:
    rows = frames["purchase_effort"]
    if rows.empty:
        return missing("effort", "No purchase yet", "Bring orders or till tickets.")
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
                 draw(figure, 300), rows.sort_values("conversions", ascending=False)[["visits", "sources", "conversions", "median_days"]])
