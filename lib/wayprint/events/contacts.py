"""Contacts in their present state."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from wayprint.tables.events import CONTACTS


def latest_contacts(raw_contacts: DataFrame) -> DataFrame:
    """One row a contact: the state last changed in its source, whatever the order of delivery.

    Two states changed at the same time: the one with the larger record_id, an arbitrary choice that every run makes alike. A deleted contact stays,
    marked `is_deleted`.
    """
    latest_first = Window.partitionBy("contact_id").orderBy(F.desc("updated_at"), F.desc("record_id"))
    ranked = raw_contacts.withColumn("_rank", F.row_number().over(latest_first))
    return ranked.where("_rank = 1").select(*CONTACTS.column_names)
