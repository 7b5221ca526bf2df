"""What came in: one table per kind of record, one row per record of a raw file, and what was refused at the door."""

from wayprint.contracts import Table, col

# The vocabulary that sources are mapped to and every domain reads.
EVENT_NAMES = (
    "page_view", "page_ping", "product_view", "search", "review_view", "compare_view", "store_locator", "add_to_cart",
    "remove_from_cart", "begin_checkout", "payment_error", "error", "purchase", "refund", "sign_up", "login", "logout",
    "form_submit", "consent", "ad_impression", "ad_click", "email_sent", "email_delivered", "email_open", "email_click",
    "email_bounce", "email_unsubscribe", "email_spam", "sms_sent", "push_sent", "catalogue_sent", "call_in", "call_out",
    "ticket_opened", "ticket_closed", "survey_answer", "store_visit", "product_usage", "review_posted", "share", "recommend",
    "other")
PLATFORMS = ("web", "app", "store", "kiosk", "call_centre", "email", "ads", "survey", "crm", "iot", "catalogue")
PURPOSES = ("email_marketing", "sms_marketing", "advertising", "profiling", "analytics")
VAULT_FIELDS = ("email", "phone", "first_name", "last_name", "street", "postal_code", "city", "country")

# What systems write for "nothing", in small letters.
NOTHING = ("", "null", "none", "nan", "undefined", "n/a", "na", "(not set)", "not set", "-", "--", ".", "\\n", "#n/a", "(null)", "<null>", "[null]")

IDENTIFIERS = "array<struct<type:string,id:string>>"
FLAWS = "array<struct<id:string,rule:string>>"
CONSENTS = "array<struct<purpose:string,granted:boolean>>"
ITEMS = "array<struct<product_id:string,family:string,quantity:int,amount:decimal(18,2)>>"

# Where a record came from; the same columns in each table of this module.
ORIGIN = (
    col("record_id", "string", "hash of file content, line and place in the record: whatever the file was called"),
    col("file_id", "string", "SHA-256 of the file's bytes; see files", required=True),
    col("line_number", "long", "line on which the record begins, counted from 1 after decompression", required=True),
    col("source", "string", "name of the source in conf/sources", required=True),
    col("original", "binary", "the record as received, compressed and encrypted; null for a record's further actions", personal=True),
)

# What one action says, in canonical form; the same columns before and after cleaning.
ACTION = (
    col("event_name", "string", "canonical verb: page_view, product_view, purchase, email_click, ticket_opened, ...", required=True),
    col("identifiers", IDENTIFIERS, "whom the record names: type and keyed hash, sorted, without doubles", personal=True),
    col("flaws", FLAWS, "identifiers whose text names nobody, each with its rule (shape, blocklist), sorted; null: none", personal=True),
    col("identifier_id", "string", "the strongest identifier of the record, by which it is given to a person", personal=True),
    col("origin_id", "string", "the device or account that acted; the event's own id where there is none", required=True, personal=True),
    col("sync_point", "string", "what tied the identifiers together: login, sign_up, form, email_click, loyalty_card, order, crm"),
    col("platform", "string", "where it was received: web, app, store, call_centre, email, ads, survey, crm, iot"),
    col("device_type", "string", "mobile, desktop, tablet, or null"),
    col("user_agent", "string", "as sent", personal=True),
    col("network_id", "string", "keyed hash of the public network address it was sent from (of IPv6 the /64); null: none, or private", personal=True),
    col("page_host", "string", "host of the page, lower case"),
    col("page_path", "string", "path of the page without query or fragment"),
    col("referrer_host", "string", "host of the referring page, lower case; null if none or the same site"),
    col("utm_source", "string", "campaign source as sent, trimmed"),
    col("utm_medium", "string", "campaign medium as sent, trimmed"),
    col("utm_campaign", "string", "campaign name as sent, trimmed"),
    col("utm_content", "string", "campaign content as sent, trimmed"),
    col("utm_term", "string", "campaign term as sent, trimmed"),
    col("click_id_type", "string", "gclid, fbclid, msclkid, ...: which ad click id the page carried"),
    col("campaign_id", "string", "id of the campaign or message in the sending tool"),
    col("content_id", "string", "id of the content or creative"),
    col("search_term", "string", "what was searched on the site"),
    col("items", ITEMS, "products concerned, as received; amount is the line total"),
    col("order_id", "string", "order, ticket of purchase or invoice"),
    col("amount", "decimal(18,2)", "value of the action; negative for a refund or return"),
    col("currency", "string", "ISO 4217"),
    col("score", "double", "survey answer"),
    col("score_scale", "double", "highest possible answer"),
    col("reason", "string", "reason of a ticket, call, bounce, error or survey question"),
    col("status", "string", "state of a ticket or order"),
    col("store_id", "string", "store"),
    col("consents", CONSENTS, "purposes granted or denied by this action, sorted by purpose"),
    col("tracker", "string", "name of the tracker that saw it; two trackers may see one hit"),
)

FILES = Table(
    "files", layer="bronze", grain="one raw file by content", key=("file_id",),
    columns=(
        col("file_id", "string", "SHA-256 of the file's bytes"),
        col("source", "string", "name of the source in conf/sources", required=True),
        col("file", "string", "smallest of the names it was delivered under, relative to the raw folder", required=True),
        col("names", "array<string>", "every name it was delivered under, sorted"),
        col("bytes", "long", "size as delivered"),
        col("spec_id", "string", "fingerprint of the source, the keys and the companion files it was read with"),
        col("status", "string", "read, or held: kept apart because a key column is missing or the file cannot be read"),
        col("reason", "string", "why it is held, or what was wrong with it, in words with what to do"),
        col("lines", "long", "records found"),
        col("kept", "long", "records that became a bronze row"),
        col("quarantined", "long", "records that became a quarantine row"),
        col("extra_columns", "array<string>", "columns the source does not declare; kept inside `original`"),
    ),
    rules={"lines in = kept + quarantined": "lines = kept + quarantined"})

RAW_EVENTS = Table(
    "raw_events", layer="bronze", grain="one action as received", key=("record_id",),
    columns=(*ORIGIN,
        col("event_id", "string", "the source's id of the action; hash of its content where it gives none", required=True),
        col("happened_at", "timestamp", "by the clock of the device or system that acted", required=True),
        col("sent_at", "timestamp", "by the same clock, when it was sent; null if unknown"),
        col("received_at", "timestamp", "by the collector's clock; null where the source has none"),
        col("updated_at", "timestamp", "when the source last changed the record; null: it has one state, as a hit has"),
        col("payload_digest", "string", "hash of event id, time and action, not of sending or arrival: equal for a true repetition", required=True),
        *ACTION))

RAW_CONTACTS = Table(
    "raw_contacts", layer="bronze", grain="one state of one contact as received", key=("record_id",),
    columns=(*ORIGIN,
        col("contact_id", "string", "the contact in its source: source and keyed hash of its id", required=True, personal=True),
        col("updated_at", "timestamp", "when the source last changed it", required=True),
        col("created_at", "timestamp", "when the source created it"),
        col("identifiers", IDENTIFIERS, "type and keyed hash, sorted, without doubles", personal=True),
        col("flaws", FLAWS, "identifiers whose text names nobody, each with its rule (shape, blocklist), sorted; null: none", personal=True),
        col("identifier_id", "string", "the strongest identifier of the record", personal=True),
        col("country", "string", "ISO 3166 alpha-2, upper case"),
        col("postal_area", "string", "first two characters of the postal code"),
        col("language", "string", "ISO 639-1, lower case"),
        col("birth_year", "int", "year only"),
        col("gender", "string", "as the source says, lower case"),
        col("loyalty_tier", "string", "as the source says"),
        col("stage", "string", "the source's own lifecycle stage"),
        col("is_deleted", "boolean", "the source says it no longer exists"),
        col("consents", CONSENTS, "purposes granted or denied, sorted by purpose"),
        col("consented_at", "timestamp", "date of the consent statement; updated_at where the source has none")))

RAW_COSTS = Table(
    "raw_costs", layer="bronze", grain="one cost line of an ad platform's report as received", key=("record_id",),
    columns=(*ORIGIN,
        col("cost_date", "date", "day of the cost", required=True),
        col("platform", "string", "google, meta, microsoft, linkedin, ...", required=True),
        col("account_id", "string", "account on the platform"),
        col("campaign_id", "string", "campaign on the platform; the ad where the report has no campaign", required=True),
        col("campaign", "string", "campaign name"),
        col("utm_source", "string", "source that the platform's clicks carry; from conf/sources"),
        col("utm_medium", "string", "medium that the platform's clicks carry; from conf/sources"),
        col("event_id", "string", "the source's id of the action that cost it; null: a line of a report"),
        col("dimensions", "string", "the report's other dimensions (device, network, ...), joined: tells two lines of a day apart"),
        col("cost_amount", "decimal(18,6)", "cost in `currency`", required=True),
        col("currency", "string", "ISO 4217"),
        col("impressions", "long", "times shown"),
        col("clicks", "long", "times clicked")),
    rules={"a cost is not negative": "cost_amount >= 0"})

RAW_REFERENCES = Table(
    "raw_references", layer="bronze", grain="one row of a reference file (campaign names, product list, ...) as received", key=("record_id",),
    columns=(*ORIGIN,
        col("entity", "string", "what it describes: campaign, flow, metric, order_line, refund, referrer, ...", required=True),
        col("entity_id", "string", "its id in the source", required=True),
        col("updated_at", "timestamp", "when the source last changed it"),
        col("name", "string", "its name"),
        col("attributes", "string", "the declared, not personal columns as JSON with sorted keys")))

QUARANTINE = Table(
    "quarantine", layer="quarantine", grain="one record that could not be read", key=("file_id", "line_number"),
    columns=(
        col("file_id", "string", "see files"),
        col("line_number", "long", "line on which the record begins, from 1"),
        col("file", "string", "name of the file", required=True),
        col("source", "string", "name of the source", required=True),
        col("line_count", "long", "physical lines the record spans"),
        col("rule", "string", "id of the broken rule: malformed, missing_key, bad_time, bad_number, too_long, ...", required=True),
        col("reason", "string", "column, what was promised, what came (never a personal value), what to do", required=True),
        col("original", "binary", "the bytes as received, compressed and encrypted", personal=True)))

VAULT = Table(
    "vault", layer="vault", grain="one clear value of one subject from one file, encrypted", key=("file_id", "subject_id", "field"),
    columns=(
        col("file_id", "string", "see files"),
        col("subject_id", "string", "identifier the value belongs to", personal=True),
        col("field", "string", "email, phone, first_name, last_name, street, city, postal_code, country"),
        col("seen_at", "timestamp", "time of the record it came from"),
        col("sealed", "binary", "normalised value under AES-GCM with the vault key", personal=True)),
    owner="privacy")

