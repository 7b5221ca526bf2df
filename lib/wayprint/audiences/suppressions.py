"""Who must be left alone: open complaints, too many contacts, and channels a person has said no to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.audiences.criteria import Measures, first_day, gather_facts, is_fact, says
from wayprint.audiences.settings import AudienceSettings

CLOSED = ("closed", "solved", "resolved")


def complains(measures: Measures, settings: AudienceSettings) -> Column:
    """A complaint is open, or was within the last `complaint_quiet_days`.

    A ticket is a complaint if the reason of its opening holds one of `complaint_words`. It is open until its own closing, and forgotten
    `complaint_open_days` after its opening. Sources tell the closing by an event of its own, by the status of the opening as it stands
    now, or by both. The day of the complaint and the quiet days after it are silent: day 0 to day 14 for 14 days.
    """
    tickets = measures.named("tickets", lambda: F.collect_list(F.when(
        is_fact("touch", ("ticket_opened", "ticket_closed")), F.struct(
            "ticket_id", "on_date", (F.col("word") == "ticket_closed").alias("is_closing"),
            F.coalesce(says(settings.complaint_words), F.lit(False)).alias("is_complaint"),
            F.coalesce(F.lower("status").isin(*CLOSED), F.lit(False)).alias("is_settled")))))
    remembered, just_now = (F.lit(measures.as_of - dt.timedelta(days=days)) for days in (settings.complaint_open_days, settings.complaint_quiet_days))
    heard = F.exists(tickets, lambda ticket: ticket["is_complaint"] & (ticket["on_date"] >= just_now))
    return _is_open(tickets, remembered) | heard


def _is_open(tickets: Column, remembered: Column) -> Column:
    """Whether one of these openings and closings is of a complaint, of the day `remembered` or later, that still is open.

    A closing whose ticket nobody saw opened (the source numbers both apart) closes the oldest of these that is open on its day. So one
    is open at the end if, from some opening on, more stayed without a closing of their own than such closings came.
    """
    def has(kind: Callable[[Column], Column], of: Column) -> Column:
        return F.exists(tickets, lambda other: kind(other) & F.coalesce(other["ticket_id"] == of["ticket_id"], F.lit(False)))

    def since(found: Column, opening: Column) -> Column:
        return F.size(F.filter(found, lambda one: one["on_date"] >= opening["on_date"]))

    unclosed = F.filter(tickets, lambda one: is_opening(one) & one["is_complaint"] & ~one["is_settled"] & ~has(is_closing, one))
    unopened = F.filter(tickets, lambda one: is_closing(one) & one["is_complaint"] & ~has(is_opening, one))
    return F.exists(unclosed, lambda one: (one["on_date"] >= remembered) & (since(unclosed, one) > since(unopened, one)))


def is_closing(ticket: Column) -> Column:
    return ticket["is_closing"]


def is_opening(ticket: Column) -> Column:
    return ~ticket["is_closing"]


def is_pressed(measures: Measures, settings: AudienceSettings) -> Column:
    """One more contact would exceed `pressure_cap` in the `pressure_days` that end with as_of, over all channels together."""
    recent = F.col("on_date") >= F.lit(first_day(measures.as_of, days=settings.pressure_days))
    return measures.counted("contacts", lambda: is_fact("touch", settings.contact_events) & recent) >= settings.pressure_cap


def is_stopped(measures: Measures, channel: str, settings: AudienceSettings) -> Column:
    """The person said no on this channel (unsubscribed, marked as spam) and has not granted its purpose since."""
    rules = settings.channels[channel]
    if not rules.stops:
        return F.lit(False)
    stopped = measures.latest(("stop", channel), lambda: is_fact("touch", rules.stops))
    granted = measures.latest(("grant", rules.purpose), lambda: is_fact("consent", (rules.purpose or "",)) & F.col("is_true"))
    return stopped.isNotNull() & F.coalesce(granted <= stopped, F.lit(True))


def list_suppressions(
    persons: DataFrame, touches: DataFrame, person_consents: DataFrame, settings: AudienceSettings, as_of: dt.date) -> DataFrame:
    """Each known person and channel that must not carry a promotion now, with the strongest reason. Depends on the person's rows alone."""
    measures = Measures(as_of)
    complaint, pressed = complains(measures, settings), is_pressed(measures, settings)
    known = measures.any_of("known", lambda: is_fact("person") & F.col("is_known"))
    lines = []
    for channel, rules in settings.channels.items():
        refused = F.lit(None).cast("string")
        refused = F.when(pressed & F.lit(bool(rules.contacts)), settings.pressure_words).otherwise(refused)
        refused = F.when(complaint, settings.complaint_reason).otherwise(refused)
        refused = F.when(is_stopped(measures, channel, settings), f"said no on {channel}").otherwise(refused)
        if rules.purpose:
            refused = F.when(~measures.granted(rules.purpose), f"no granted {rules.purpose}").otherwise(refused)
            refused = F.when(measures.denied(rules.purpose), f"denied {rules.purpose}").otherwise(refused)
        lines.append(F.when(refused.isNotNull(), F.struct(F.lit(channel).alias("channel"), refused.alias("reason"))))
    facts = gather_facts(as_of, settings.service_events, persons, touches, person_consents=person_consents)
    wide = measures.per_person(facts).where(F.col("is_present") & known)
    return wide.select("person_id", F.explode(F.filter(F.array(*lines), lambda line: line.isNotNull())).alias("line")).select(
        "person_id", "line.channel", "line.reason")
