"""One clock: a device's time moved by how far its clock is from the collector's, never past arrival."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def corrected_clock(tolerance_s: int) -> Column:
    """When it happened by the collector's clock, in microseconds since 1970.

    `happened_at + (received_at - sent_at)` where the two clocks differ by more than the tolerance (Segment: timestamp = receivedAt -
    (sentAt - originalTimestamp); Snowplow: derived_tstamp = collector_tstamp - (dvce_sent_tstamp - dvce_created_tstamp)); both clocks of
    the bracket are the device's, so its error cancels. Nothing happens after it arrived: a corrected time, or one more than the
    tolerance after arrival, is cut to `received_at`. However long an event waited before it was sent, it keeps its time.
    Without `received_at` there is nothing to correct by.
    """
    happened, sent, received = (F.unix_micros(name) for name in ("happened_at", "sent_at", "received_at"))
    tolerance = F.lit(tolerance_s * 1_000_000)
    skew = received - sent
    is_skewed = F.coalesce(F.abs(skew) > tolerance, F.lit(False))
    moved = F.when(is_skewed, happened + skew).otherwise(happened)
    is_after_arrival = F.coalesce(happened > received + tolerance, F.lit(False))
    return F.when(is_skewed | is_after_arrival, F.least(moved, received)).otherwise(happened)
