"""How far a share can be believed."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

Z95 = 1.959963984540054  # normal quantile of 0.975


def wilson(hits: Column, trials: Column) -> tuple[Column, Column, Column]:
    """Share, lower and upper bound of its 95 % interval (E. B. Wilson, 1927, JASA 22:209-212); all null without trials.

    centre = (p + z^2/2n) / (1 + z^2/n), half width = z * sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n); kept inside 0 to 1.
    """
    n = F.when(trials > 0, trials.cast("double"))
    share = hits.cast("double") / n
    shrink = 1 + Z95**2 / n
    centre = (share + Z95**2 / (2 * n)) / shrink
    half_width = Z95 * F.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n)) / shrink
    low = F.when(n.isNotNull(), F.greatest(centre - half_width, F.lit(0.0)))
    high = F.when(n.isNotNull(), F.least(centre + half_width, F.lit(1.0)))
    return share, low, high
