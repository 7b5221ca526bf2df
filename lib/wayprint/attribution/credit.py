"""Conversions -> credit of channels and campaigns under every model, and its sums with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.attribution import heuristics
from wayprint.attribution.intervals import GROUPS, bounds, resample_groups
from wayprint.attribution.markov import markov
from wayprint.attribution.paths import slim_touches
from wayprint.attribution.settings import MARKOV_SPLIT, AttributionSettings
from wayprint.attribution.shapley import shapley
from wayprint.attribution.walks import Floats, Ints, Touches, Walks
from wayprint.tables.attribution import CHANNEL_CREDITS, CONVERSION_CREDITS

NONE = "(none)"
EXACT = "decimal(38,18)"  # sums of doubles depend on their order, sums of decimals do not


def shares(walks: Walks, age_days: Floats, effect: Floats, direct: int, settings: AttributionSettings) -> dict[str, Floats]:
    """Share of each touch in its path's conversion, under each model of the settings; see the models' own modules."""
    at = settings.position_weights
    models = {
        "first": lambda: heuristics.first(walks),
        "last": lambda: heuristics.last(walks),
        "last_non_direct": lambda: heuristics.last_non_direct(walks, direct),
        "linear": lambda: heuristics.linear(walks),
        "position": lambda: heuristics.position(walks, at.first, at.last),
        "time_decay": lambda: heuristics.time_decay(walks, age_days, settings.half_life_days),
        MARKOV_SPLIT: lambda: markov(walks, effect),
        "shapley": lambda: shapley(walks),
    }
    return {name: models[name]() for name in settings.splits}


def credit_conversions(journeys: DataFrame, conversions: DataFrame, channel_weights: DataFrame, settings: AttributionSettings) -> DataFrame:
    """One row per conversion, model, channel and campaign that gets credit; shares sum to 1 per conversion and model.

    Every conversion appears: one without an owner, without a journey or without a touch on its path has one row `(none)` per
    model with the whole credit. Revenue is net of refunds, in the conversion's own currency, and may be negative or zero.
    `markov_split`, what the chain says of single conversions, does not sum to its channels' credit: see `markov.markov`.
    """
    effects = channel_weights.agg(F.map_from_entries(F.collect_list(F.struct("channel", "removal_effect"))).alias("effects"))
    converted = journeys.where(F.col("ended_by") == "conversion").select("conversion_id", "ended_at", "touches")
    walked = conversions.select("conversion_id", "person_id", "converted_at", "currency", "revenue_amount").join(
        converted, "conversion_id", how="left").crossJoin(F.broadcast(effects)).select(
        "conversion_id", "person_id", "converted_at", "currency", F.col("revenue_amount").cast("double").alias("revenue_amount"),
        F.coalesce("ended_at", "converted_at").alias("ended_at"), slim_touches("touches", F.col("effects")).alias("touches"))

    def credit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from _credit(batch, settings)

    credited = walked.mapInArrow(
        credit, "conversion_id string, person_id string, converted_at timestamp, currency string, revenue_amount double, "
        "model string, channel string, campaign string, credit double")
    key = F.to_json(F.struct("conversion_id", "model", "channel", "campaign"))
    return credited.withColumn("credit_id", F.substring(F.sha2(key, 256), 1, 32)).select(*CONVERSION_CREDITS.column_names)


def _credit(batch: pa.RecordBatch, settings: AttributionSettings) -> Iterator[pa.RecordBatch]:
    touches = Touches.read(batch)
    places = touches.on_paths(settings)
    walks = touches.walks(places)
    campaign = touches.campaigns_of(places)
    cells = walks.presence * (len(touches.campaigns) + 1) + campaign + 1
    _, one, cell = np.unique(cells, return_index=True, return_inverse=True)
    untouched = np.flatnonzero(walks.lengths == 0)
    nobody = np.full(len(untouched), -1)
    for model, share in shares(walks, touches.age_days[places], touches.effect[places], touches.direct, settings).items():
        summed = np.bincount(cell, share, minlength=len(one))
        some = summed > 0
        paths = np.concatenate([walks.path[one[some]], untouched])
        credit = np.concatenate([summed[some], np.ones(len(untouched))])
        owner = batch.take(pa.array(paths))
        yield pa.RecordBatch.from_arrays(
            [owner.column("conversion_id"), owner.column("person_id"), owner.column("converted_at"), owner.column("currency"),
             pc.multiply(owner.column("revenue_amount"), pa.array(credit)), pa.array([model] * len(paths), pa.string()),
             pc.fill_null(_words(touches.names, np.concatenate([walks.channel[one[some]], nobody])), NONE),
             _words(touches.campaigns, np.concatenate([campaign[one[some]], nobody])), pa.array(credit)],
            ["conversion_id", "person_id", "converted_at", "currency", "revenue_amount", "model", "channel", "campaign", "credit"])


def _words(dictionary: pa.Array, codes: Ints) -> pa.Array:
    """The words of the codes; null for -1."""
    return dictionary.take(pa.array(codes, mask=codes < 0))


def sum_credits(conversion_credits: DataFrame, channel_weights: DataFrame, settings: AttributionSettings) -> DataFrame:
    """One row per model and channel; conversions and revenue sum to all conversions and all revenue under each model.

    The Markov rows are the model's own: share of removal effect x conversions with a touch; `(none)` keeps the rest.
    Revenue is summed as it stands: where several currencies are in use, read `returns`, which keeps them apart.
    Intervals: persons drawn again (a person's conversions together); for Markov, journeys drawn again (`weigh_channels`).
    """
    summed = bound_cells(as_cells(conversion_credits), ("model", "channel"), settings)
    is_split = F.col("model") == MARKOV_SPLIT
    counted = summed.where(~is_split | (F.col("channel") == NONE)).select(
        F.when(is_split, "markov").otherwise(F.col("model")).alias("model"), "channel", "conversions", "revenue_amount",
        F.lit(None).cast("double").alias("removal_effect"),
        "conversions_low", "conversions_high")
    touched = summed.where(is_split & (F.col("channel") != NONE)).agg(
        F.sum(F.col("conversions").cast(EXACT)).cast("double").alias("conversions"),
        F.sum(F.col("revenue_amount").cast(EXACT)).cast("double").alias("revenue_amount"))
    chained = channel_weights.crossJoin(F.broadcast(touched.where("conversions is not null"))).select(
        F.lit("markov").alias("model"), "channel", (F.col("conversion_share") * F.col("conversions")).alias("conversions"),
        (F.col("revenue_share") * F.col("revenue_amount")).alias("revenue_amount"), "removal_effect",
        (F.col("conversion_share_low") * F.col("conversions")).alias("conversions_low"),
        (F.col("conversion_share_high") * F.col("conversions")).alias("conversions_high"))
    return counted.unionByName(chained).select(*CHANNEL_CREDITS.column_names)


def as_cells(conversion_credits: DataFrame) -> DataFrame:
    """Credits as exact numbers, with the person's group of the bootstrap; a conversion without owner stands for itself."""
    group = F.pmod(F.xxhash64(F.coalesce("person_id", "conversion_id")), F.lit(GROUPS)).cast("int")
    return conversion_credits.select(
        "model", "channel", "campaign", "currency", group.alias("group"), F.col("credit").cast(EXACT).alias("conversions"),
        F.col("revenue_amount").cast(EXACT).alias("revenue_amount"), F.lit(0).cast(EXACT).alias("cost_amount"))


def bound_cells(cells: DataFrame, keys: Sequence[str], settings: AttributionSettings) -> DataFrame:
    """Sums per `keys`, with percentile bounds of conversions and revenue; rows without a group (costs) are not resampled."""
    measures = ("conversions", "revenue_amount", "cost_amount")
    grouped = cells.groupBy(*keys, "group").agg(*[F.sum(name).alias(name) for name in measures])
    part = F.struct("group", *[F.col(name).cast("double").alias(name) for name in measures[:2]])
    summed = grouped.groupBy(*keys).agg(
        *[F.sum(name).cast("double").alias(name) for name in measures],
        F.sort_array(F.collect_list(F.when(F.col("group").isNotNull(), part))).alias("parts"))
    columns = [*keys, *measures]

    def bound(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        drawn = resample_groups(settings.bootstrap_replicates, settings.seed)
        for batch in batches:
            found = _bounds(batch.column("parts"), drawn, settings.confidence)
            yield pa.RecordBatch.from_arrays(
                [*(batch.column(name) for name in columns), *(pa.array(column) for column in found.T)],
                [*columns, "conversions_low", "conversions_high", "revenue_low", "revenue_high"])

    numbers = (*measures, "conversions_low", "conversions_high", "revenue_low", "revenue_high")
    schema = ", ".join([f"{key} string" for key in keys] + [f"{name} double" for name in numbers])
    return summed.mapInArrow(bound, schema)


def _bounds(parts: pa.ListArray, drawn: Ints, confidence: float) -> Floats:
    """Bounds of each list of (group, conversions, revenue): shape (lists, 4).

    List by list, so that the order of additions, and with it the last digit, does not depend on the batch.
    """
    flat = parts.flatten()
    group = pc.struct_field(flat, "group").to_numpy(zero_copy_only=False)
    conversions, revenue = (pc.struct_field(flat, name).to_numpy(zero_copy_only=False) for name in ("conversions", "revenue_amount"))
    values = np.stack([conversions, revenue], axis=1)
    found = np.zeros((len(parts), 4))
    ends = np.cumsum(pc.list_value_length(parts).to_numpy(zero_copy_only=False)).astype(int)
    for number, (begin, end) in enumerate(zip(np.concatenate([[0], ends[:-1]]) if len(ends) else [], ends, strict=True)):
        totals = drawn[:, group[begin:end]] @ values[begin:end]
        found[number] = bounds(totals, confidence).T.ravel()
    return found
