"""Who is in which audience, since when and why: all audiences in one pass, then the difference to the run before."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.audiences.criteria import Measures, events_of, gather_facts, is_fact
from wayprint.audiences.definition import Audience
from wayprint.audiences.settings import AudienceSettings
from wayprint.audiences.suppressions import complains, is_pressed, is_stopped
from wayprint.audiences.wording import in_words


def weigh_persons(
    persons: DataFrame, touches: DataFrame, conversions: DataFrame, lifecycle: DataFrame, scores: DataFrame, person_consents: DataFrame,
    previous_audience_members: DataFrame, settings: AudienceSettings, as_of: dt.date) -> DataFrame:
    """One row per audience and person that meets its criteria or stood in it before, with a verdict and its reason.

    `verdict` is one of: member; no_basis (meets the criteria, the law says no); suppressed (complaint, pressure, a no on the channel);
    not_met; gone (the person no longer exists: merged into another, or erased). The law is asked before the suppressions.
    Each input is read once and shuffled once, however many audiences there are.
    """
    audiences = settings.definitions
    measures = Measures(as_of)
    # Conditions that several lines use become columns first, so that each is planned and computed once.
    conditions = {"is_complaining": complains(measures, settings), "is_pressed": is_pressed(measures, settings)}
    conditions |= {f"is_stopped_{channel}": is_stopped(measures, channel, settings) for channel in settings.channels}
    conditions |= {f"meets_{audience.name}": measures.is_person() & measures.holds(audience.who) for audience in audiences}
    lines = [_line(audience, measures, settings) for audience in audiences]
    events = settings.service_events | {event for audience in audiences for event in events_of(audience.who)}
    facts = gather_facts(as_of, events, persons, touches, conversions, lifecycle, scores, person_consents, as_known_on(as_of, previous_audience_members))
    wide = measures.per_person(facts).select("*", *[condition.alias(name) for name, condition in conditions.items()])
    said = F.array(*lines).cast("array<struct<audience:string,verdict:string,legal_basis:string,reason:string>>")
    return wide.select("person_id", F.explode(F.filter(said, lambda line: line.isNotNull())).alias("line")).select(
        "line.audience", "person_id", "line.verdict", "line.legal_basis", "line.reason")


def choose_members(
    prepared: DataFrame, previous_audience_members: DataFrame, previous_audience_sizes: DataFrame, settings: AudienceSettings,
    as_of: dt.date) -> tuple[DataFrame, DataFrame]:
    """The sizes of this run beside those of earlier ones, and the members: standing, new and former. `prepared` is `weigh_persons`.

    A row stands from a person's first entry. `entered_on` is the run of the latest entry, `left_on` the run of the exit. Running
    again on the same `as_of` gives the same rows, and if data changed in between it corrects the day instead of adding to it: who
    was found to have left today and now meets the criteria again never left. A run for an earlier day takes the later ones back, as the
    other tables then show that day too. The state is a function of the runs before, not of the deliveries alone: the table records runs.
    """
    members = _with_history(_with_holdout(prepared, settings.definitions), as_known_on(as_of, previous_audience_members), as_of)
    sizes = count_sizes(prepared, members, settings, as_of)
    earlier = previous_audience_sizes.where(F.col("counted_on") < F.lit(as_of))
    # Runs before 0.2.0 did not say which list excludes.
    told = sizes.unionByName(earlier, allowMissingColumns=True)
    return told.withColumn("is_exclusion", F.coalesce("is_exclusion", F.lit(False))), members


def as_known_on(as_of: dt.date, members: DataFrame) -> DataFrame:
    """Members as runs up to `as_of` knew them: who left since is in, who entered since is not there.

    A row holds the latest entry alone, so who left and came back since is not there either.
    """
    left_since = F.coalesce(F.col("left_on") > F.lit(as_of), F.lit(False))
    return members.where(F.col("entered_on") <= F.lit(as_of)).withColumn("is_member", F.col("is_member") | left_since).withColumn(
        "left_on", F.when(~left_since, F.col("left_on")))


def count_sizes(prepared: DataFrame, members: DataFrame, settings: AudienceSettings, as_of: dt.date) -> DataFrame:
    """One row per audience: an empty one too, and one no longer defined on the run in which its members leave."""
    titles = F.explode(F.array(*[
        F.struct(F.lit(a.name).alias("audience"), F.lit(a.title).alias("title"), F.lit(a.is_exclusion).alias("is_exclusion")) for a in settings.definitions]))
    # An aggregate over nothing is one row: the titles come from the settings, not from the data.
    lines = prepared.limit(0).agg(F.count(F.lit(1))).select(titles.alias("t")).select("t.*") if settings.definitions else (
        prepared.limit(0).select("audience", F.col("audience").alias("title"), F.lit(False).alias("is_exclusion")))
    entered = F.col("is_member") & (F.col("entered_on") == F.lit(as_of))
    left = (F.col("left_on") == F.lit(as_of)) & (F.col("entered_on") < F.lit(as_of))
    lines = lines.unionByName(prepared.select("audience", "verdict"), allowMissingColumns=True).unionByName(
        members.select("audience", (F.col("is_member") & F.col("is_holdout")).alias("is_holdout"), entered.alias("entered"), left.alias("left")),
        allowMissingColumns=True)
    verdict = F.col("verdict")
    return lines.groupBy("audience").agg(
        F.lit(as_of).alias("counted_on"), F.coalesce(F.max("title"), F.first("audience")).alias("title"),
        F.coalesce(F.max("is_exclusion"), F.lit(False)).alias("is_exclusion"),
        _count(verdict.isin("member", "no_basis", "suppressed")).alias("candidates"), _count(verdict == "no_basis").alias("without_basis"),
        _count(verdict == "suppressed").alias("suppressed"), _count(verdict == "member").alias("members"),
        _count(F.col("is_holdout")).alias("holdout"), _count(F.col("entered")).alias("entered"), _count(F.col("left")).alias("left"),
        F.max("title").isNotNull().alias("is_defined")).where("is_defined or left > 0").drop("is_defined")


def preview_sizes(prepared: DataFrame) -> DataFrame:
    """What each audience would hold if it were published now: candidates, refusals, members. Nothing is written."""
    verdict = F.col("verdict")
    return prepared.groupBy("audience").agg(
        _count(verdict.isin("member", "no_basis", "suppressed")).alias("candidates"), _count(verdict == "no_basis").alias("without_basis"),
        _count(verdict == "suppressed").alias("suppressed"), _count(verdict == "member").alias("members"))


def is_held_out(person_id: Column, audience: Column, share: Column) -> Column:
    """Whether the first 32 bits of a hash of audience and person fall under `share`.

    The bucket depends on nothing else, so it survives reruns, re-entries and a changed share (a larger share only adds persons). When
    two persons are merged, the surviving person_id decides.
    """
    bucket = F.conv(F.substring(F.sha2(F.concat_ws("|", F.lit("holdout"), audience, person_id), 256), 1, 8), 16, 10).cast("long")
    return bucket < (share * F.lit(2.0**32))


def _line(audience: Audience, measures: Measures, settings: AudienceSettings) -> Column:
    """The verdict on one person for one audience, or null where there is nothing to say."""
    met = F.col(f"meets_{audience.name}")
    stood = measures.any_of(("stood", audience.name), lambda: is_fact("member", (audience.name,)))
    if audience.purpose:
        basis, lacking = measures.granted(audience.purpose), f"no granted {audience.purpose}"
        legal_basis = audience.purpose
    else:
        basis = ~measures.denied(audience.unless_denied) if audience.unless_denied else F.lit(True)
        lacking, legal_basis = f"denied {audience.unless_denied}", f"legitimate interest: {audience.legitimate_interest}"
    needed = settings.channels[audience.channel].purpose
    denied_channel = measures.denied(needed) if needed else F.lit(False)
    refused = F.when(F.col(f"is_stopped_{audience.channel}"), f"said no on {audience.channel}")
    if audience.is_promotion:
        refused = refused.when(F.col("is_complaining"), settings.complaint_reason).when(F.col("is_pressed"), settings.pressure_words)
    judged: list[tuple[Column, str, Column]] = [
        (~measures.is_person(), "gone", F.lit("merged into another person, or erased")),
        (~met, "not_met", F.lit(f"no longer meets: {in_words(audience.who)}")),
        (~basis, "no_basis", F.lit(lacking)),
        (denied_channel, "no_basis", F.lit(f"denied {needed}")),
        (refused.isNotNull(), "suppressed", refused)]
    verdict, reason = F.lit("member"), measures.why(audience.who)
    for condition, name, words in reversed(judged):
        verdict, reason = F.when(condition, name).otherwise(verdict), F.when(condition, words).otherwise(reason)
    row = F.struct(
        F.lit(audience.name).alias("audience"), verdict.alias("verdict"), F.when(verdict == "member", legal_basis).alias("legal_basis"),
        reason.alias("reason"))
    return F.when(met | stood, row)


def _with_holdout(prepared: DataFrame, audiences: list[Audience]) -> DataFrame:
    share = F.lit(0.0)
    for audience in audiences:
        if audience.holdout_share:
            share = F.when(F.col("audience") == audience.name, float(audience.holdout_share)).otherwise(share)
    return prepared.withColumn("is_holdout", is_held_out(F.col("person_id"), F.col("audience"), share))


def _with_history(now: DataFrame, before: DataFrame, as_of: dt.date) -> DataFrame:
    today = F.lit(as_of)
    n = now.select("audience", "person_id", *[F.col(name).alias(f"now_{name}") for name in ("verdict", "legal_basis", "reason", "is_holdout")])
    joined = n.join(before, ["audience", "person_id"], how="full_outer")
    chosen = F.coalesce(F.col("now_verdict") == "member", F.lit(False))
    was_in = F.coalesce(F.col("is_member"), F.lit(False))
    stayed = was_in | F.coalesce(F.col("left_on") == today, F.lit(False))
    leaves = ~chosen & was_in
    return joined.where(chosen | F.col("entered_on").isNotNull()).select(
        "audience", "person_id",
        F.when(chosen & ~stayed, today).otherwise(F.col("entered_on")).alias("entered_on"),
        F.when(leaves, today).when(~chosen, F.col("left_on")).alias("left_on"),
        chosen.alias("is_member"),
        F.coalesce(F.col("now_is_holdout"), F.col("is_holdout")).alias("is_holdout"),
        F.when(chosen, F.col("now_legal_basis")).alias("legal_basis"),
        F.when(chosen, F.col("now_reason")).when(leaves, F.coalesce("now_reason", F.lit("the audience is no longer defined")))
        .otherwise(F.col("reason")).alias("reason"))


def _count(condition: Column) -> Column:
    return F.sum(F.when(condition, 1).otherwise(0)).cast("long")
