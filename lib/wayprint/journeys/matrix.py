"""The map of touchpoints: for each stage x channel how much happens there, how it ends, and how satisfied people are."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.journeys.intervals import wilson
from wayprint.journeys.settings import JourneySettings
from wayprint.journeys.touches import phase_of


def map_stages(touches: DataFrame, journeys: DataFrame, settings: JourneySettings) -> DataFrame:
    """One row per cell that has a touch or a survey answer; a cell without either is absent. Touches without a stage are in none.

    Volume is that of all touches. A person's touch counts under the channel it has in the journey (a page reached inside a visit
    counts under the channel of the visit), a touch that is nobody's under its own. Conversion: of the closed journeys that pass through
    the cell, those that ended by a purchase. Satisfaction: see `answers_by_cell`. Intervals: Wilson, 95 %.
    """
    steps = journeys.select("person_id", "journey_id", "ended_by", F.explode("touches").alias("touch")).select(
        "person_id", "journey_id", "ended_by", "touch.*")
    nobodys = touches.where(F.col("person_id").isNull()).select(
        F.lit(None).cast("string").alias("person_id"), F.lit(None).cast("string").alias("journey_id"),
        F.lit(None).cast("string").alias("ended_by"), "stage", "channel")
    passed = (
        steps.select(*nobodys.columns).unionByName(nobodys)
        .where(F.col("stage").isNotNull())
        .groupBy("stage", "channel", "person_id", "journey_id", "ended_by").agg(F.count(F.lit(1)).alias("touches"))
        .groupBy("stage", "channel").agg(
            F.sum("touches").alias("touches"),
            F.count_distinct("person_id").alias("persons"),
            F.count(F.when(F.col("ended_by") != "open", 1)).alias("journeys"),
            F.count(F.when(F.col("ended_by") == "conversion", 1)).alias("converted")))
    cells = passed.join(answers_by_cell(touches, steps, settings), ["stage", "channel"], how="full")
    counts = ("touches", "persons", "journeys", "converted", "answers", "satisfied")
    cells = cells.select("stage", "channel", *[F.coalesce(F.col(name), F.lit(0).cast("long")).alias(name) for name in counts])
    conversion = wilson(F.col("converted"), F.col("journeys"))
    satisfaction = wilson(F.col("satisfied"), F.col("answers"))
    return cells.select(
        "stage", "channel",
        phase_of(settings.stages).alias("phase"),
        "touches", "persons", "journeys", "converted",
        conversion[0].alias("conversion_rate"), conversion[1].alias("conversion_low"), conversion[2].alias("conversion_high"),
        "answers", "satisfied",
        satisfaction[0].alias("satisfaction_rate"), satisfaction[1].alias("satisfaction_low"), satisfaction[2].alias("satisfaction_high"))


def answers_by_cell(touches: DataFrame, steps: DataFrame, settings: JourneySettings) -> DataFrame:
    """Survey answers and satisfied ones (score of at least `satisfied_share` of the scale) by the cell they speak of.

    The stage is the one the question names in `reason`, else the answer's own; the channel is that of the person's latest inbound touch
    in that stage before the answer (ties: event_key), else the answer's own. An answer without a score is none.
    """
    names = [stage.name for stage in settings.stages.stages]
    asked = F.when(F.col("reason").isin(*names), F.col("reason")).otherwise(F.col("stage"))
    answers = touches.where((F.col("event_name") == "survey_answer") & F.col("score").isNotNull()).select(
        F.col("event_key").alias("answer_key"), "person_id", asked.alias("stage"), F.col("channel").alias("own_channel"),
        F.col("happened_at").alias("answered_at"), (F.col("score") >= settings.satisfied_share).alias("is_satisfied"))
    answers = answers.where(F.col("stage").isNotNull())
    lived = steps.where((F.col("direction") == "inbound") & (F.col("event_name") != "survey_answer")).select(
        "person_id", "stage", "happened_at", "event_key", "channel")
    latest = F.max(F.when(F.col("happened_at") < F.col("answered_at"), F.struct("happened_at", "event_key", "channel")))
    return (
        answers.join(lived, ["person_id", "stage"], how="left")
        .groupBy("answer_key", "stage", "own_channel", "is_satisfied").agg(latest.alias("latest"))
        .groupBy("stage", F.coalesce("latest.channel", "own_channel").alias("channel")).agg(
            F.count(F.lit(1)).alias("answers"), F.count(F.when(F.col("is_satisfied"), 1)).alias("satisfied")))
