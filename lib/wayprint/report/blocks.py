"""The blocks of the report: each a sentence as title, one number, what to do, a chart, and the table behind it.

A block reads the frames of `frames.gather` and nothing else. A rate of fewer than `least_cell` cases is never named in a
sentence nor as a number: what there is, is counted instead; in a chart it is pale or marked. Every function copes with empty frames: it then says what is missing and how to bring it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from wayprint.report.block import ACCENT, SOFT, WARM, Block, Frames, draw, label, missing, share, whole
from wayprint.report.credit import attribution, returns
from wayprint.report.journeys import effort, flows, funnel, stage_channel
from wayprint.report.settings import ReportSettings
from wayprint.tables.quality import NO_CURRENCY

NAMES = {
    "identity": "People", "matrix": "Touchpoints", "flow": "Channel changes", "funnel": "Funnel", "effort": "Visits to buy", "attribution": "Credit",
    "returns": "Returns", "model": "Prediction", "audiences": "Audiences", "quality": "Data quality", "kpis": "Key figures"}
REASONS = {  # why an event was left out, in words
    "bot_agent": "a robot by its own name", "bot_rate": "more hits a minute than a person makes", "other_tracker": "seen by a second tracker",
    "clock_before_2000": "a clock before 2000", "clock_in_future": "a clock in the future", "other_payload": "told again with other content"}


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
    figure = go.Figure(go.Bar(x=bars["count"], y=bars["rule"].map(label), orientation="h", marker_color=ACCENT)) if len(bars) else None
    table = frames["identity_health"].sort_values("measure")[["measure", "value", "meaning"]]
    return Block(
        "identity", f"{whole(customers)} customers are known by a login, e-mail, phone or card, {whole(several)} of them on several devices, "
        f"beside {whole(persons['count'].sum() - customers)} visitors without a name",
        whole(customers), "known customers; visitors without a name are counted by device, so one of them may be several",
        " ".join(identity_alarms(health)) or "To know more people by name, ask for the login or the card earlier on the site and at the till.",
        draw(figure, 90 + 34 * len(bars)) if figure else None, table,
        "Bars: links and identifiers that were refused, and why. Shared device: seen with several logins. Fan out: tied to too many others. Blocklist: a value that names nobody.",
        f"{whole(health.get('edges_refused', 0))} links between identifiers (cookie, e-mail, phone, card) were refused so that nobody is taken for somebody else; "
        f"the person with most has {whole(health.get('largest_component', 0))}." + (" Checked: what is published follows these rules." if gated else ""))


def model(frames: Frames) -> Block:
    rows = frames["model_measures"]
    used = rows[rows["is_champion"].astype(bool)] if len(rows) else rows
    if used.empty:
        verdict = str(rows["verdict"].dropna().iloc[0]) if len(rows) and rows["verdict"].notna().any() else "no example yet"
        return missing("model", "No model is trusted enough to score people", f"Reason: {verdict}. Scores appear once a model beats the base rate on people and months it has not seen.")
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
        draw(figure, 340), rows[~rows["measure"].str.startswith("bin_")].sort_values(["candidate", "measure"])[["model", "candidate", "measure", "value", "low", "high", "is_champion", "verdict"]],
        "Judged on people and a month that it never saw. Dotted: what is predicted happens. The model knows behaviour, not reasons." + lift)


def audiences(frames: Frames, settings: ReportSettings) -> Block:
    sizes = frames["audience_sizes"]
    if sizes.empty:
        return missing("audiences", "No audience yet", "Add a file to conf/audiences.")
    now = sizes[sizes["counted_on"] == sizes["counted_on"].max()]
    now = now.assign(is_exclusion=now["is_exclusion"].astype(bool)).sort_values(["is_exclusion", "members"], ascending=[False, True])  # lists that exclude lie lowest
    titles = (now["title"] + now["is_exclusion"].map({True: " (exclusion)", False: ""})).map(label)
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
        draw(figure, 130 + 46 * len(now)), now[::-1][
            ["audience", "title", "is_exclusion", "candidates", "without_basis", "suppressed", "members", "holdout", "entered", "left"]],
        "A person has a place in each audience that fits. Held out: left alone on purpose, so that the effect can be measured. Suppressed: open complaint or too many contacts.",
        least if len(reached) and (reached["holdout"] < settings.least_cell).any() else "")


def quality(frames: Frames) -> Block:
    files, refused = frames["files"], pd.concat([frames["quarantine"].assign(where="unreadable"), frames["refused_events"].assign(where="left out"),
                                                  frames["repeated_events"].assign(where="left out")])
    lines, held = float(files["lines"].sum()), int(files["held"].sum())
    unreadable, left_out = (float(refused.loc[refused["where"] == where, "count"].sum()) for where in ("unreadable", "left out"))
    by_rule = refused.groupby(["where", "rule"])["count"].sum().reset_index().sort_values("count")
    figure = go.Figure(go.Bar(x=by_rule["count"], y=(by_rule["where"] + ": " + by_rule["rule"].map(lambda rule: REASONS.get(rule, rule))).map(label), orientation="h", marker_color=WARM)) if len(by_rule) else None
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
                 whole(unreadable), "records that could not be used", action, draw(figure, 80 + 44 * len(by_rule)) if figure else None, table,
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
                 "Quote these and no others: each has one formula and one owner. Amounts and numbers add up over channels; rates, and people, do not.", draw(figure, 260) if len(sold) else None, dictionary,
                 "Monthly revenue, net of refunds; the last month may not be over. All figures and their definitions are in the table."
                 + (f" Money is in {main}; what was sold in {', '.join(sorted(set(revenue.index) - {main}))} is in the table kpis." if len(revenue) > 1 else ""))


def _value(rows: pd.DataFrame, name: str, month: Any) -> float | None:
    found = rows[(rows["kpi"] == name) & (rows["month"] == month)]["value"]
    return float(found.iloc[0]) if len(found) and pd.notna(found.iloc[0]) else None


def all_blocks(frames: Frames, settings: ReportSettings, truth: pd.DataFrame | None) -> list[Block]:
    """Every section after page one, in reading order."""
    return [
        identity(frames), stage_channel(frames, settings), flows(frames, settings), funnel(frames, settings), effort(frames, settings), attribution(frames, settings, truth),
        returns(frames, settings, truth), model(frames), audiences(frames, settings), quality(frames), kpis(frames, settings)]
