"""Each field of a person with its origin: who said it, when, by which rule it was chosen, how many said otherwise."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.persons.settings import CLEAR_FIELDS, FIELDS, PersonSettings
from wayprint.tables.persons import PERSON_FIELDS

WORDS = ("person_id", "field", "source", "contact_id", "updated_at", "subject_id", "file_id", "value", "token")


def choose_fields(identity_map: DataFrame, contacts: DataFrame, vault: DataFrame, files: DataFrame, settings: PersonSettings) -> DataFrame:
    """One row per person and field that anybody said, chosen by the field's rule of `settings.survivorship`.

    most_recent: the latest updated_at. most_trusted: the first source of the list that says it; sources that are not listed come
    after. most_frequent: the value that most contacts say. Ties of the last two: the latest; of one instant: the largest
    contact_id, then source, subject and file. Each field survives on its own: a newer contact that does not say it does not erase it.
    A contact deleted in its source says nothing any more; nobody's identifiers give no row.
    """
    owners = identity_map.where(F.col("person_id").isNotNull()).select("identifier_id", "person_id")
    words = open_words(contacts, owners).unionByName(sealed_words(vault, files, contacts, owners))
    trusted = [F.when((F.col("field") == name) & (F.col("source") == source), place)
               for name, rule in settings.survivorship.items() for place, source in enumerate(rule.sources)]
    words = words.withColumn("distrust", F.coalesce(*trusted, F.lit(len(trusted))))
    said = words.groupBy("person_id", "field").agg(
        F.collect_list(F.struct("distrust", "updated_at", "contact_id", "source", "subject_id", "file_id", "value", "token")).alias("said"))
    rules = F.coalesce(*[F.when(F.col("field") == name, F.lit(rule.rule)) for name, rule in settings.survivorship.items()])
    chosen = said.withColumn("rule", rules).withColumn("chosen", F.array_max(F.transform("said", _ranked)))
    return chosen.select(
        "person_id", "field", "rule", *(f"chosen.{name}" for name in ("value", "source", "contact_id", "updated_at", "subject_id", "file_id")),
        F.size(F.array_distinct("said.token")).cast("long").alias("values_said"),
        _supporters(F.col("chosen")["token"]).cast("long").alias("contacts"),
    ).select(*PERSON_FIELDS.column_names)


def open_words(contacts: DataFrame, owners: DataFrame) -> DataFrame:
    """What each contact says openly: a row per field that it fills."""
    fields = F.array(*[F.struct(F.lit(name).alias("field"), F.col(name).cast("string").alias("value")) for name in FIELDS])
    said = contacts.where(~F.coalesce("is_deleted", F.lit(False))).join(owners, "identifier_id", how="inner").select(
        "person_id", "source", "contact_id", "updated_at", F.explode(F.filter(fields, lambda one: one["value"].isNotNull())).alias("one"))
    nowhere = F.lit(None).cast("string")
    return said.select(
        "person_id", "one.field", "source", "contact_id", "updated_at", nowhere.alias("subject_id"), nowhere.alias("file_id"), "one.value",
        F.col("one.value").alias("token"))


def sealed_words(vault: DataFrame, files: DataFrame, contacts: DataFrame, owners: DataFrame) -> DataFrame:
    """What each source said in clear about each identifier, its latest word only; the value stays sealed.

    The same value has the same seal, so seals (their hashes, `token`) tell whether two sources say the same. What came with contacts
    that are all deleted says nothing any more; what came with orders has no contact.
    """
    filed = vault.where(F.col("field").isin(*CLEAR_FIELDS)).join(files.select("file_id", "source"), "file_id", how="inner")
    latest = filed.groupBy("subject_id", "field", "source").agg(F.max(F.struct("seen_at", "file_id", "sealed")).alias("last"))
    said = latest.join(speakers(contacts), ["subject_id", "source"], how="left").where(~F.coalesce("is_gone", F.lit(False)))
    return said.join(owners.withColumnRenamed("identifier_id", "subject_id"), "subject_id", how="inner").select(
        "person_id", "field", "source", "contact_id", F.col("last.seen_at").alias("updated_at"), "subject_id", "last.file_id",
        F.lit(None).cast("string").alias("value"), F.sha2("last.sealed", 256).alias("token"),
    ).select(*WORDS)


def speakers(contacts: DataFrame) -> DataFrame:
    """One row per identifier and source of contacts that name it: the latest one that is not deleted, or `is_gone` where all are."""
    present = F.when(~F.coalesce("is_deleted", F.lit(False)), F.struct("updated_at", "contact_id"))
    return contacts.select(F.explode("identifiers.id").alias("subject_id"), "source", present.alias("present")).groupBy("subject_id", "source").agg(
        F.max("present")["contact_id"].alias("contact_id"), F.max("present").isNull().alias("is_gone"))


def _ranked(word: Column) -> Column:
    """The word behind its rank under the field's rule: the largest is the one that survives."""
    rank = F.when(F.col("rule") == "most_trusted", -word["distrust"]).when(F.col("rule") == "most_frequent", _supporters(word["token"])).otherwise(0)
    names = ("updated_at", "contact_id", "source", "subject_id", "file_id", "value", "token")
    return F.struct(rank.alias("rank"), *(word[name].alias(name) for name in names))


def _supporters(token: Column) -> Column:
    return F.size(F.filter("said", lambda other: other["token"] == token))
