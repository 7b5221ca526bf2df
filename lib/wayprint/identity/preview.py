"""What another set of rules would make of the same observations: persons merged and split, before anything is published."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.identity.settings import IdentitySettings

EXAMPLES = 5
AT_THE_DOOR = ("priority", "shape", "blocked_patterns")  # what is judged where files are read, and stands in observations as it was judged


@dataclass(frozen=True)
class Preview:
    """The two maps side by side. `merged` and `split` give examples: the person, and the persons it would be made of or become."""

    persons: tuple[int, int]  # now, then
    largest: tuple[int, int]  # identifiers of the person who has most
    recognised: tuple[float, float]  # share of the device identifiers whose person is known by more than devices
    merged_persons: int  # persons then that were several
    split_persons: int  # persons now that would be several
    merged: tuple[tuple[str, tuple[str, ...]], ...]
    split: tuple[tuple[str, tuple[str, ...]], ...]
    unseen: tuple[str, ...] = ()  # rules that differ and that the two maps cannot show

    def in_words(self) -> list[str]:
        lines = [
            f"persons: {self.persons[0]:,} now, {self.persons[1]:,} then",
            f"largest person: {self.largest[0]:,} identifiers now, {self.largest[1]:,} then",
            f"devices of known persons: {self.recognised[0]:.1%} now, {self.recognised[1]:.1%} then",
            f"{self.merged_persons:,} persons would be made of several, {self.split_persons:,} would be split"]
        lines += [f"merged: {' + '.join(name[:8] for name in parts)} -> {person[:8]}" for person, parts in self.merged]
        lines += [f"split: {person[:8]} -> {' + '.join(name[:8] for name in parts)}" for person, parts in self.split]
        return lines + [f"{rule} is another, and judged where files are read: what it changes is not in these figures" for rule in self.unseen]


def judged_at_the_door(now: IdentitySettings, then: IdentitySettings) -> tuple[str, ...]:
    """Rules of either settings that differ and that no preview shows, as `type.rule`: observations were judged by them when they were read."""
    return tuple(f"{name}.{rule}" for name in sorted({*now.types, *then.types}) for rule in AT_THE_DOOR
        if getattr(now.types.get(name), rule, None) != getattr(then.types.get(name), rule, None))


def preview(now: DataFrame, then: DataFrame, device_types: tuple[str, ...]) -> Preview:
    """Two sets of rows of `identity_map`, compared identifier by identifier; what is nobody's in either plays no part in merges and splits."""
    both = now.select("identifier_id", F.col("person_id").alias("now")).join(
        then.select("identifier_id", F.col("person_id").alias("then")), "identifier_id").where("now is not null and then is not null")
    pairs = both.select("now", "then").distinct()
    merged, split = _groups(pairs, "then", "now"), _groups(pairs, "now", "then")
    before, after = _figures(now, device_types), _figures(then, device_types)
    return Preview(
        (before[0], after[0]), (before[1], after[1]), (before[2], after[2]), merged.count(), split.count(), _examples(merged), _examples(split))


def _groups(pairs: DataFrame, person: str, parts: str) -> DataFrame:
    gathered = F.sort_array(F.collect_set(parts)).alias("parts")
    return pairs.groupBy(F.col(person).alias("person")).agg(gathered).where(F.size("parts") > 1)


def _examples(groups: DataFrame) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The largest groups, then the smallest names."""
    return tuple((row.person, tuple(row.parts)) for row in groups.orderBy(F.size("parts").desc(), "person").limit(EXAMPLES).collect())


def _figures(identity_map: DataFrame, device_types: tuple[str, ...]) -> tuple[int, int, float]:
    is_device: Column = F.col("identifier_type").isin(*device_types)
    persons = identity_map.where("person_id is not null").groupBy("person_id").agg(
        F.count(F.lit(1)).alias("identifiers"), F.count_if(is_device).alias("devices"))
    known = F.when(F.col("identifiers") > F.col("devices"), F.col("devices"))
    row = persons.agg(
        F.count(F.lit(1)).alias("persons"), F.coalesce(F.max("identifiers"), F.lit(0)).alias("largest"),
        F.coalesce(F.try_divide(F.sum(known), F.sum("devices")), F.lit(0.0)).alias("recognised")).collect()[0]
    return int(row.persons), int(row.largest), float(row.recognised)
