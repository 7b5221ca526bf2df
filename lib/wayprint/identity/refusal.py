"""Why a new identity is not published, told to whoever ran it: what a shut gate measured is in no table that anybody can read."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.contracts import ContractBroken
from wayprint.tables.identity import IDENTITY_GATES

MOST_TOLD = 3  # identifiers of the largest person


def refuse_shut(gates: DataFrame, ledger: DataFrame, standing: DataFrame) -> None:
    """Raise ContractBroken with value, bound and meaning of each shut gate, and with what ties most in a largest person that exploded.

    `ledger` and `standing` (new rows of the map) are those that `gates` were measured on.
    """
    shut = gates.where("not is_open").orderBy("gate").collect()
    if not shut:
        return
    told = [f"gate {row.gate} is shut: {row.value:,.3g}, at most {row.bound:,.3g} passes ({row.meaning})" for row in shut]
    if any(row.gate == "largest_growth" for row in shut):
        told.append(describe_largest(ledger, standing))
    raise ContractBroken(IDENTITY_GATES.name, [
        *told, "nothing of the new identity was published, the last one stands; `wayprint identity try conf` says whom the rules in conf would merge and split"])


def describe_largest(ledger: DataFrame, standing: DataFrame) -> str:
    """The size of the largest person, and the identifiers that have most believed links in it, in one sentence."""
    persons = standing.where("person_id is not null").groupBy("person_id").agg(F.count(F.lit(1)).alias("size"))
    largest = persons.orderBy(F.desc("size"), "person_id").first()
    assert largest is not None, "an empty map has no person that grew"
    ends = ledger.where("kind = 'link' and rule is null").select(F.explode(F.array("identifier_id", "other_id")).alias("identifier_id"))
    members = standing.where(F.col("person_id") == largest["person_id"]).select("identifier_id", "identifier_type")
    counted = ends.join(F.broadcast(members), "identifier_id").groupBy("identifier_type", "identifier_id").agg(F.count(F.lit(1)).alias("links"))
    most = counted.orderBy(F.desc("links"), "identifier_id").limit(MOST_TOLD).collect()
    named = ", ".join(f"{row.identifier_type} {row.identifier_id} ({row.links:,} links)" for row in most)
    return f"the largest person would have {largest['size']:,} identifiers, most of all tied by {named}; one that names nobody is blocked by `wayprint identity block ID`"
