"""Clean actions: once each, on one clock, in one channel; contacts and costs in their present state."""

from wayprint.contracts import Table, col, warn
from wayprint.tables.bronze import ACTION, CONSENTS, FLAWS, IDENTIFIERS

UNIQUE_EVENTS = Table(
    "unique_events", layer="silver", grain="one action, repetitions removed", key=("event_key",),
    columns=(
        col("event_key", "string", "hash of source and event_id"),
        col("event_id", "string", "the source's id of the action", required=True),
        col("record_id", "string", "the bronze row that was kept", required=True),
        col("source", "string", "name of the source", required=True),
        col("happened_at", "timestamp", "device's clock", required=True),
        col("sent_at", "timestamp", "device's clock, when sent"),
        col("received_at", "timestamp", "collector's clock"),
        col("repetitions", "long", "further copies with the same id and payload"),
        *ACTION))

REPEATED_EVENTS = Table(
    "repeated_events", layer="quarantine", grain="one action that came again under the same id with another payload", key=("record_id",),
    columns=(
        col("record_id", "string", "the bronze row refused"),
        col("event_id", "string", "the source's id of the action", required=True),
        col("event_key", "string", "hash of source and event_id", required=True),
        col("kept_record_id", "string", "the bronze row kept in its place: latest state, else first received, then the fullest", required=True),
        col("source", "string", "name of the source", required=True),
        col("rule", "string", "other_payload", required=True),
        col("reason", "string", "in words", required=True)))

EVENTS = Table(
    "events", layer="silver", grain="one action of somebody", key=("event_key",),
    columns=(
        col("event_key", "string", "hash of source and event_id"),
        col("event_id", "string", "the source's id of the action", required=True),
        col("record_id", "string", "the bronze row it comes from", required=True),
        col("source", "string", "name of the source", required=True),
        col("happened_at", "timestamp", "corrected clock, UTC", required=True),
        col("reported_at", "timestamp", "what the device's clock said", required=True),
        col("received_at", "timestamp", "collector's clock"),
        col("event_date", "date", "UTC day of happened_at", required=True),
        col("clock_shift_s", "long", "seconds by which the clock was corrected, cut to whole seconds", required=True),
        col("trackers", "array<string>", "every tracker that saw the hit, sorted; null if none is named"),
        col("channel", "string", "channel group: GA4's 18 and Unassigned, or an own one (Store, Call centre, Catalogue, ...)", required=True),
        col("channel_rule", "string", "rule of conf/channels.yaml that decided", required=True),
        col("is_digital", "boolean", "digital or physical channel", required=True),
        *ACTION),
    rules={
        "not before 2000": "happened_at >= timestamp'2000-01-01'",
        "channel is known": warn("channel <> 'Unassigned'", share=0.10)})

REFUSED_EVENTS = Table(
    "refused_events", layer="quarantine", grain="one action kept out of the journeys", key=("event_key",),
    columns=(
        col("event_key", "string", "see unique_events"),
        col("record_id", "string", "the bronze row", required=True),
        col("origin_id", "string", "device or account", required=True, personal=True),
        col("source", "string", "name of the source", required=True),
        col("happened_at", "timestamp", "device's clock", required=True),
        col("rule", "string", "bot_agent, bot_rate, other_tracker, clock_before_2000, clock_in_future", required=True),
        col("reason", "string", "in words", required=True),
        col("kept_event_key", "string", "for other_tracker: the event kept in its place")))

CONTACTS = Table(
    "contacts", layer="silver", grain="one contact of one source, present state", key=("contact_id",),
    columns=(
        col("contact_id", "string", "the contact in its source", personal=True),
        col("record_id", "string", "the bronze row it comes from", required=True),
        col("source", "string", "name of the source", required=True),
        col("updated_at", "timestamp", "when the source last changed it", required=True),
        col("created_at", "timestamp", "when the source created it"),
        col("identifiers", IDENTIFIERS, "type and keyed hash", personal=True),
        col("flaws", FLAWS, "identifiers whose text names nobody, each with its rule", personal=True),
        col("identifier_id", "string", "the strongest identifier", personal=True),
        col("country", "string", "ISO 3166 alpha-2"),
        col("postal_area", "string", "first two characters of the postal code"),
        col("language", "string", "ISO 639-1"),
        col("birth_year", "int", "year only"),
        col("gender", "string", "lower case"),
        col("loyalty_tier", "string", "as the source says"),
        col("stage", "string", "the source's own lifecycle stage"),
        col("is_deleted", "boolean", "the source says it no longer exists"),
        col("consents", CONSENTS, "latest statement of the source"),
        col("consented_at", "timestamp", "date of the statement")))

COSTS = Table(
    "costs", layer="silver", grain="one day of one campaign on one platform", key=("cost_id",),
    columns=(
        col("cost_id", "string", "hash of date, platform, account, campaign and currency"),
        col("cost_date", "date", "day", required=True),
        col("platform", "string", "google, meta, microsoft, linkedin, ...", required=True),
        col("account_id", "string", "account on the platform"),
        col("campaign_id", "string", "campaign on the platform", required=True),
        col("campaign", "string", "campaign name; its id where there is none", required=True),
        col("channel", "string", "channel group that the platform's clicks fall into", required=True),
        col("currency", "string", "ISO 4217"),
        col("cost_amount", "decimal(18,6)", "cost", required=True),
        col("impressions", "long", "times shown"),
        col("clicks", "long", "times clicked")),
    rules={"a cost is not negative": "cost_amount >= 0"})
