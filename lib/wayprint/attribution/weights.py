"""Paths -> what the Markov chain loses without each channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.attribution.intervals import bounds, resample_counts
from wayprint.attribution.markov import count_flows, ending_value, removal
from wayprint.attribution.settings import AttributionSettings
from wayprint.attribution.walks import Ints, Walks
from wayprint.tables.attribution import CHANNEL_WEIGHTS

CHUNK = 10_000  # paths weighed at once: 10,000 x 201 replicates x 2 kinds are 32 MB
FLOW = "replicate int, from_channel string, to_channel string, ending string, journeys long, cents long"
WEIGHT = ", ".join(f"{column.name} {column.type}" for column in CHANNEL_WEIGHTS.columns)


def weigh_channels(paths: DataFrame, settings: AttributionSettings) -> DataFrame:
    """One row per channel that stands on any path, also if nothing ever converted there (effect 0).

    Transitions are counted and resampled where the paths are and summed as integers; one task solves all chains, whose
    size depends on the channels alone. Journeys without a touch are not walks: their conversions stay `(none)`.
    Revenue is shared like conversions where its own shares say nothing: where net revenue is not positive, or where what refunds take
    from some channels is a third or more of what the others bring. So no share is beyond -0.5 and 1.5.
    """
    told = paths.where(F.size("channels") > 0).select(
        "path_id", "channels", "conversions", "nulls", (F.col("revenue_amount") * 100).cast("long").alias("cents"))
    counted = told.mapInArrow(lambda batches: _flows(batches, settings), FLOW)
    summed = counted.groupBy("replicate", "from_channel", "to_channel", "ending").agg(
        F.sum("journeys").alias("journeys"), F.sum("cents").alias("cents"))
    return summed.repartition(1).mapInPandas(lambda frames: _solve(frames, settings), WEIGHT)


def _flows(batches: Iterable[pa.RecordBatch], settings: AttributionSettings) -> Iterator[pa.RecordBatch]:
    """Flows of this partition's paths, one row per replicate and transition that is made. A null channel is start or end."""
    found = [batch for batch in batches if batch.num_rows]
    if not found:
        return
    paths = pa.Table.from_batches(found).combine_chunks().to_batches()[0]
    coded = paths.column("channels").flatten().dictionary_encode()
    channel, names = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), coded.dictionary
    owner = pc.list_parent_indices(paths.column("channels")).to_numpy(zero_copy_only=False).astype(np.int64)
    counts = np.stack([paths.column(kind).to_numpy(zero_copy_only=False) for kind in ("conversions", "nulls")], axis=1)
    channels = len(names)
    everything = Walks(owner, channel, paths.num_rows)
    cents = ending_value(everything, paths.column("cents").to_numpy(zero_copy_only=False).astype(np.float64), channels)
    ids = paths.column("path_id").to_pylist()
    flows = np.zeros((1 + settings.bootstrap_replicates, channels + 1, channels + 2), dtype=np.int64)
    for begin in range(0, paths.num_rows, CHUNK):
        end = min(begin + CHUNK, paths.num_rows)
        inside = slice(*np.searchsorted(owner, [begin, end]))
        drawn = resample_counts(ids[begin:end], counts[begin:end], settings.bootstrap_replicates, settings.seed)
        flows += count_flows(Walks(owner[inside] - begin, channel[inside], end - begin), drawn[..., 0], drawn[..., 1], channels)
    yield _rows(flows, np.rint(cents).astype(np.int64), names)


def _rows(flows: Ints, cents: Ints, names: pa.Array) -> pa.RecordBatch:
    channels = len(names)
    replicate, source, target = np.nonzero(flows)
    money = np.where((replicate == 0) & (target == channels), cents[np.minimum(source, channels - 1)], 0)
    ending = pa.array(["conversion", "silence"]).take(pa.array(target - channels, mask=target < channels))
    return pa.RecordBatch.from_arrays(
        [pa.array(replicate.astype(np.int32)), names.take(pa.array(source, mask=source == channels)),
         names.take(pa.array(target, mask=target >= channels)), ending, pa.array(flows[replicate, source, target]), pa.array(money)],
        ["replicate", "from_channel", "to_channel", "ending", "journeys", "cents"])


def _solve(frames: Iterable[pd.DataFrame], settings: AttributionSettings) -> Iterator[pd.DataFrame]:
    found = [frame for frame in frames if len(frame)]
    if not found:
        return
    rows = pd.concat(found, ignore_index=True)
    names = sorted(rows["to_channel"].dropna().unique())
    channels = len(names)
    code = {name: number for number, name in enumerate(names)}
    source = rows["from_channel"].map(code).fillna(channels).astype(int).to_numpy()
    target = rows["to_channel"].map(code).fillna(rows["ending"].map({"conversion": channels, "silence": channels + 1})).astype(int).to_numpy()
    replicate = rows["replicate"].to_numpy()
    flows = np.zeros((1 + settings.bootstrap_replicates, channels + 1, channels + 2), dtype=np.int64)
    flows[replicate, source, target] = rows["journeys"]
    sold = (replicate == 0) & (target == channels)
    money = np.zeros(channels)
    money[source[sold]] = rows["cents"][sold] / 100

    # Without any net revenue no share of it can be lost. Asked of the cents, which are exact: 30 - 20 - 10 through the chain leaves 1e-16.
    is_worth = int(rows["cents"][sold].sum()) != 0
    lost, lost_value = removal(flows), removal(flows[0], money if is_worth else np.zeros(channels))
    grown = flows[:, :channels, channels].sum(axis=1)
    share = lost.share[1:] * (grown[1:] / max(grown[0], 1))[:, None]
    effect_low, effect_high = bounds(lost.effect[1:], settings.confidence)
    share_low, share_high = bounds(share, settings.confidence)
    worth = lost_value.effect
    is_clear = lost_value.total > 0 and worth.sum() > np.abs(worth).sum() / 2
    yield pd.DataFrame({
        "channel": names, "removal_effect": lost.effect[0], "removal_effect_low": effect_low, "removal_effect_high": effect_high,
        "conversion_share": lost.share[0], "conversion_share_low": share_low, "conversion_share_high": share_high,
        "value_removal_effect": worth,
        "revenue_share": lost_value.share if is_clear else lost.share[0]})[CHANNEL_WEIGHTS.column_names]
