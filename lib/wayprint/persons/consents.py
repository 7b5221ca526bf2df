"""What each person allows: statements of all identifiers and contacts, the strictest counts."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wayprint.tables.bronze import CONSENTS
from wayprint.tables.identity import PERSON_CONSENTS

DENIALS_BY_MAIL = ("email_unsubscribe", "email_spam")


def settle_consents(identity_map: DataFrame, contacts: DataFrame, events: DataFrame) -> DataFrame:
    """One row per person and purpose that any of the person's identifiers or contacts spoke about.

    Of each identifier (by its actions) and each contact (by its present state) only the latest statement counts, so a grant
    outweighs the same speaker's earlier denial; at the same instant the denial counts. Between speakers one denial outweighs
    all grants. The statement that decides is the latest of the decisive ones, then the smallest source. An unsubscribe or a
    spam complaint denies email_marketing. A contact deleted in its source no longer grants, but still denies.
    """
    by_contact = contacts.select(
        "identifier_id", F.concat(F.lit("contact|"), "contact_id").alias("speaker"), "source",
        F.coalesce("consented_at", "updated_at").alias("stated_at"), F.explode("consents").alias("said"), "is_deleted",
    ).where(~(F.coalesce("is_deleted", F.lit(False)) & F.col("said.granted"))).drop("is_deleted")
    denied_by_mail = F.col("event_name").isin(*DENIALS_BY_MAIL)
    denial = F.when(denied_by_mail, F.array(F.struct(F.lit("email_marketing").alias("purpose"), F.lit(False).alias("granted"))))
    by_action = events.where(F.col("consents").isNotNull() | denied_by_mail).select(
        "identifier_id", F.col("identifier_id").alias("speaker"), "source", F.col("happened_at").alias("stated_at"),
        F.explode(F.concat(*(F.coalesce(said, F.array().cast(CONSENTS)) for said in (F.col("consents"), denial)))).alias("said"))
    statements = by_contact.unionByName(by_action).select(
        "identifier_id", "speaker", "source", "stated_at", "said.purpose", "said.granted",
    ).where("purpose is not null and granted is not null and stated_at is not null")
    latest = statements.groupBy("identifier_id", "speaker", "purpose").agg(
        F.min(F.struct(-F.unix_micros("stated_at"), "granted", "source", "stated_at")).alias("last"))
    owners = identity_map.where("person_id is not null").select("identifier_id", "person_id")
    decisive = F.struct("last.granted", (-F.unix_micros("last.stated_at")).alias("age"), "last.source", "last.stated_at")
    decided = latest.join(owners, on="identifier_id", how="inner").groupBy("person_id", "purpose").agg(F.min(decisive).alias("last"))
    return decided.select("person_id", "purpose", "last.granted", "last.stated_at", "last.source").select(*PERSON_CONSENTS.column_names)
