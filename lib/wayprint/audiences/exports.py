"""Members and the sealed values by which a platform may match them; nothing is opened here."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.audiences.destinations import Destination


def export_rows(
    audience_members: DataFrame, identity_map: DataFrame, vault: DataFrame, person_consents: DataFrame, audience: str,
    destination: Destination) -> DataFrame:
    """Every present member of one audience, each with all sealed values of the identifiers that are his, sorted by person.

    `refusal` says why a member must not be exported (held out; no advertising consent): such a member has one row and no values, so
    that counts add up. Consent is asked here again, whatever the membership says. A list that rests on a declared legitimate interest
    goes, to platforms that allow it, without a grant, never against a denial. Only fields of the destination's file are handed on;
    of several values of one subject and field the latest seen. Identifiers that are shared or blocked are nobody's.
    """
    consents = person_consents.where(F.col("purpose") == "advertising").select("person_id", "granted")
    by_interest = F.lit(not destination.needs_consent) & F.col("legal_basis").startswith("legitimate interest")
    is_allowed = F.coalesce(F.col("granted"), by_interest, F.lit(False))
    refusal = F.when(F.col("is_holdout"), "held out, to measure the effect").when(~is_allowed, "no granted advertising consent")
    members = audience_members.where(F.col("is_member") & (F.col("audience") == audience)).join(consents, "person_id", how="left").select(
        "person_id", "legal_basis", refusal.alias("refusal"))
    latest = vault.where(F.col("field").isin(sorted(destination.fields))).groupBy("subject_id", "field").agg(
        F.max(F.struct("seen_at", "file_id", "sealed")).alias("value"))
    owned = identity_map.where(F.col("status") == "owned").select(F.col("identifier_id").alias("subject_id"), F.col("person_id").alias("owner_id"))
    values = owned.join(latest, "subject_id", how="inner").select("owner_id", "subject_id", "field", "value.seen_at", "value.sealed")
    mine = (F.col("person_id") == F.col("owner_id")) & F.col("refusal").isNull()
    return members.join(values, mine, how="left").select(
        "person_id", "legal_basis", "refusal", "subject_id", "field", "seen_at", "sealed").orderBy("person_id", "field", "subject_id")
