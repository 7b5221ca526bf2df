"""What people did: sessions of devices, visits and journeys of persons, conversions, and the stage x channel map."""

from wayprint.contracts import Table, col, warn

SESSIONS = Table(
    "sessions", layer="gold", grain="one visit of one device", key=("session_id",), owner="web",
    columns=(
        col("session_id", "string", "hash of the device and of the anchor event; see journeys/silence.py for why it survives late events"),
        col("origin_id", "string", "device", required=True, personal=True),
        col("platform", "string", "of the first event"),
        col("started_at", "timestamp", "first event, UTC", required=True),
        col("ended_at", "timestamp", "last event, UTC", required=True),
        col("session_number", "long", "1 for the device's first session", required=True),
        col("events", "long", "events in the session", required=True),
        col("page_views", "long", "page and product views", required=True),
        col("channel", "string", "channel of the first event that is not Direct, Unassigned or App, else of the first", required=True),
        col("utm_campaign", "string", "campaign of the same event"),
        col("landing_path", "string", "first page"),
        col("device_type", "string", "of the first event that says it"),
        col("is_engaged", "boolean", "over 10 seconds, or 2 views, or a conversion (GA4)", required=True),
        col("has_conversion", "boolean", "holds a purchase", required=True)),
    rules={"ends after it starts": "ended_at >= started_at", "has events": "events >= 1"})

TOUCHES = Table(
    "touches", layer="silver", grain="one action given to a person and placed in a stage", key=("event_key",),
    columns=(
        col("event_key", "string", "see events"),
        col("identifier_id", "string", "by which it was given to the person", personal=True),
        col("person_id", "string", "whose it is; null if nobody's", personal=True),
        col("origin_id", "string", "device or account", required=True, personal=True),
        col("device_id", "string", "the device that acted; null where the record names none", personal=True),
        col("source", "string", "name of the source", required=True),
        col("platform", "string", "where it was received: web, app, store, kiosk, call_centre, email, ads, survey, crm, iot, catalogue"),
        col("event_name", "string", "canonical verb", required=True),
        col("happened_at", "timestamp", "UTC", required=True),
        col("channel", "string", "channel group", required=True),
        col("is_digital", "boolean", "digital or physical channel", required=True),
        col("stage", "string", "stage of conf/stages.yaml; null if unmapped"),
        col("phase", "string", "before, during, after, usage"),
        col("direction", "string", "inbound (the person acts), outbound (the firm acts), machine (a program may have acted: an opened e-mail)", required=True),
        col("touchpoint", "string", "stage x channel, as 'stage / channel'; null if unmapped"),
        col("is_marketing", "boolean", "counts as a marketing touch for attribution", required=True),
        col("is_conversion", "boolean", "a purchase", required=True),
        col("device_type", "string", "mobile, desktop, tablet"),
        col("utm_source", "string", "campaign source"),
        col("utm_campaign", "string", "campaign"),
        col("campaign_id", "string", "campaign or message in the sending tool"),
        col("content_id", "string", "content or creative"),
        col("families", "array<string>", "product families concerned, sorted"),
        col("order_id", "string", "order"),
        col("ticket_id", "string", "service ticket opened or closed: hash of source and number"),
        col("amount", "decimal(18,2)", "value"),
        col("currency", "string", "ISO 4217"),
        col("score", "double", "survey answer divided by its scale, 0 to 1"),
        col("reason", "string", "reason of a ticket, error or question"),
        col("status", "string", "state of a ticket or order"),
        col("store_id", "string", "store"),
        col("search_term", "string", "what was searched"),
        col("page_path", "string", "page")),
    rules={
        "stage is mapped": warn("stage is not null", share=0.05),
        "a purchase has its order": warn("not is_conversion or order_id is not null")})

CONVERSIONS = Table(
    "conversions", layer="gold", grain="one order", key=("order_id",), owner="sales",
    columns=(
        col("order_id", "string", "order, ticket or invoice"),
        col("conversion_id", "string", "hash of the order", required=True),
        col("person_id", "string", "who bought, by the most trusted purchase event that knows; null if nobody's", personal=True),
        col("converted_at", "timestamp", "earliest purchase event of the order", required=True),
        col("channel", "string", "where it was made or, online, what the purchase event itself says: mostly Direct (kpis count it under its visit's)", required=True),
        col("is_digital", "boolean", "online or physical sale", required=True),
        col("sale_place", "string", "web, app, store, call_centre", required=True),
        col("store_id", "string", "store"),
        col("device_type", "string", "device of the purchase"),
        col("families", "array<string>", "product families bought, sorted"),
        col("gross_amount", "decimal(18,2)", "as bought", required=True),
        col("refund_amount", "decimal(18,2)", "refunded since, as a positive number", required=True),
        col("revenue_amount", "decimal(18,2)", "gross less refunds", required=True),
        col("currency", "string", "ISO 4217"),
        col("sources", "array<string>", "sources that reported the order, sorted")),
    rules={"net is gross less refunds": "revenue_amount = gross_amount - refund_amount"})

VISITS = Table(
    "visits", layer="gold", grain="one visit of one person, across devices", key=("visit_id",), owner="web",
    columns=(
        col("visit_id", "string", "hash of the person and of the anchor event"),
        col("person_id", "string", "who came", required=True, personal=True),
        col("started_at", "timestamp", "first event, UTC", required=True),
        col("ended_at", "timestamp", "last event, UTC", required=True),
        col("visit_number", "long", "1 for the person's first visit", required=True),
        col("events", "long", "touches in the visit; ignored events, which prolong a session, are none", required=True),
        col("devices", "long", "devices used", required=True),
        col("channel", "string", "channel by which the visit began", required=True),
        col("utm_campaign", "string", "campaign of the same event"),
        col("channels", "array<string>", "channels touched, in order of first touch"),
        col("is_digital", "boolean", "digital or physical", required=True),
        col("has_conversion", "boolean", "holds a purchase", required=True)),
    rules={"ends after it starts": "ended_at >= started_at"})

TOUCH_STRUCT = (
    "array<struct<event_key:string,happened_at:timestamp,channel:string,stage:string,direction:string,event_name:string,"
    "visit_id:string,utm_campaign:string,is_marketing:boolean>>")

JOURNEYS = Table(
    "journeys", layer="gold", grain="one journey of one person: from first touch to a conversion or to silence", key=("journey_id",), owner="cx",
    columns=(
        col("journey_id", "string", "hash of the person and of the anchor event of its first 24 hours; see journeys/journeys.py"),
        col("person_id", "string", "whose", required=True, personal=True),
        col("started_at", "timestamp", "first touch, UTC", required=True),
        col("ended_at", "timestamp", "last touch, or the conversion that ends it, UTC", required=True),
        col("ended_by", "string", "conversion, silence, or open (still within the gap at as_of)", required=True),
        col("conversion_id", "string", "the conversion that ends it"),
        col("revenue_amount", "decimal(18,2)", "of that conversion"),
        col("touches", TOUCH_STRUCT, "by time, then event_key; Direct and Unassigned inside a visit give way to the visit's channel; a click has the visit it led to"),
        col("touch_count", "long", "length of touches", required=True),
        col("visits", "long", "distinct visits", required=True),
        col("sources", "long", "distinct channels by which those visits began", required=True),
        col("channels", "array<string>", "channels of touches in order, repeats in a row collapsed"),
        col("inbound_channels", "array<string>", "channels of the touches in which the person acts, in order, repeats in a row collapsed"),
        col("stages", "array<string>", "stages of touches in order, repeats in a row collapsed"),
        col("has_channel_switch", "boolean", "inbound touches have more than one channel", required=True),
        col("has_skip", "boolean", "inbound touches jumped over a stage of the buying order", required=True),
        col("has_back", "boolean", "inbound touches went back to an earlier stage of the buying order", required=True),
        col("crosses_devices", "boolean", "more than one device", required=True),
        col("crosses_store", "boolean", "inbound touches are both digital and physical", required=True)),
    rules={"ends after it starts": "ended_at >= started_at", "a conversion has its id": "(ended_by = 'conversion') = (conversion_id is not null)"})

STAGE_CHANNEL_MATRIX = Table(
    "stage_channel_matrix", layer="gold", grain="one touchpoint: stage x channel", key=("stage", "channel"), owner="cx",
    columns=(
        col("stage", "string", "stage"),
        col("channel", "string", "channel, as in journeys.touches"),
        col("phase", "string", "before, during, after, usage"),
        col("touches", "long", "volume", required=True),
        col("persons", "long", "distinct persons", required=True),
        col("journeys", "long", "closed journeys that pass here", required=True),
        col("converted", "long", "of which ended by a conversion", required=True),
        col("conversion_rate", "double", "converted / journeys"),
        col("conversion_low", "double", "Wilson 95 % lower bound"),
        col("conversion_high", "double", "Wilson 95 % upper bound"),
        col("answers", "long", "survey answers", required=True),
        col("satisfied", "long", "answers of at least the satisfied share of the scale", required=True),
        col("satisfaction_rate", "double", "satisfied / answers"),
        col("satisfaction_low", "double", "Wilson 95 % lower bound"),
        col("satisfaction_high", "double", "Wilson 95 % upper bound")))

PURCHASE_EFFORT = Table(
    "purchase_effort", layer="gold", grain="one number of visits and of sources before a purchase", key=("visits", "sources"), owner="cx",
    columns=(
        col("visits", "long", "visits in the journey up to the purchase; 0 if nobody was seen coming"),
        col("sources", "long", "distinct channels"),
        col("conversions", "long", "how many purchases", required=True),
        col("median_days", "double", "median days from first touch to purchase")))

CHANNEL_FLOWS = Table(
    "channel_flows", layer="gold", grain="one step from a channel to the next within journeys", key=("from_channel", "to_channel"), owner="cx",
    columns=(
        col("from_channel", "string", "channel, or (start)"),
        col("to_channel", "string", "channel, or (conversion), (silence), (open)"),
        col("journeys", "long", "journeys that make this step at least once", required=True),
        col("steps", "long", "how often it is made", required=True),
        col("inbound_journeys", "long", "journeys in which the person goes this way, whatever is sent in between", required=True)))

STAGE_FUNNEL = Table(
    "stage_funnel", layer="gold", grain="one stage of the declared order", key=("stage",), owner="cx",
    columns=(
        col("stage", "string", "stage"),
        col("position", "int", "place in the declared order", required=True),
        col("persons", "long", "persons who reached this stage or a later one", required=True),
        col("journeys", "long", "journeys that reached this stage or a later one", required=True)))
