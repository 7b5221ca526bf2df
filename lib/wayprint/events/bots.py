"""Machines among visitors: by what they call themselves, and by how fast they go."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from crawlerdetect import CrawlerDetect

DAY = 86_400_000_000  # microseconds
MINUTE = 60_000_000


@functools.lru_cache(maxsize=1)
def _detector() -> CrawlerDetect:
    return CrawlerDetect()


@functools.lru_cache(maxsize=100_000)
def is_machine(agent: str | None, libraries: tuple[str, ...] = ()) -> bool:
    """Does the user agent name a crawler, monitor or script, by crawlerdetect's patterns?

    About a millisecond the first time, hence the cache: a worker sees few different agents. The browsers inside Facebook's and
    Instagram's apps are people; `facebookexternalhit` is not. `libraries` are words forgiven: the firm's own app reports through them.
    """
    if libraries:
        agent = re.sub(rf"\b(?:{'|'.join(map(re.escape, libraries))})\b", "", agent or "", flags=re.IGNORECASE)
    return bool(agent) and bool(_detector().is_crawler(agent))


def busy_days(times: Sequence[int], limit: int) -> set[int]:
    """Days since 1970 touched by more than `limit` times within less than a minute; `times` are sorted microseconds.

    More than n in some minute means: some time and the n-th before it lie less than a minute apart. A burst over midnight makes
    both days busy.
    """
    bursts = [(first, last) for first, last in zip(times, times[limit:], strict=False) if last - first < MINUTE]
    return {time // DAY for burst in bursts for time in burst}
