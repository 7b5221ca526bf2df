"""Who must be left alone: open complaints, too many contacts, and channels a person has said no to."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.audiences.criteria import Measures, first_day, gather_facts, is_fact, says
from wayprint.audiences.settings import AudienceSettings

CLOSED = ("closed", "solved", "resolved")


def complains(measures: Measures, settings: AudienceSettings) -> Column:
    """A complaint is open, or was within the last `complaint_quiet_days`.

    A ticket is a complaint if its reason holds one of `complaint_words`. Touches carry no ticket number, so tickets are counted:
    one is open while more complaints were opened than closed in the last `complaint_open_days` (a ticket nobody closed is
    forgotten after that). Sources tell the closing by an event of its own, by the status of the opening as it stands now, or by both:
    the larger count holds. The day of the complaint and the quiet days after it are silent: day 0 to day 14 for 14 days.
    """
    complaint = says(settings.complaint_words)
    remembered = complaint & (F.col("on_date") >= F.lit(measures.as_of - dt.timedelta(days=settings.complaint_open_days)))
    opened = is_fact("touch", ("ticket_opened",)) & remembered
    closed = measures.counted("complaints closed", lambda: is_fact("touch", ("ticket_closed",)) & remembered)
    closed_since = measures.counted("complaints closed since", lambda: opened & F.lower("status").isin(*CLOSED))
    still_open = measures.counted("complaints opened", lambda: opened) > F.greatest(closed, closed_since)
    just_now = F.col("on_date") >= F.lit(measures.as_of - dt.timedelta(days=settings.complaint_quiet_days))
    heard = measures.any_of("complaint just now", lambda: is_fact("touch", ("ticket_opened", "ticket_closed")) & complaint & just_now)
    return still_open | heard


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
