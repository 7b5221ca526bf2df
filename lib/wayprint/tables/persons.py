"""The person seen whole: each field with its origin, the household, the story, the answers, and how far recognition reaches."""

from wayprint.contracts import Table, col

PERSON_FIELDS = Table(
    "person_fields", layer="gold", grain="one field of one person", key=("person_id", "field"), owner="crm",
    columns=(
        col("person_id", "string", "see persons", personal=True),
        col("field", "string", "country, postal_area, language, birth_year, gender, loyalty_tier, stage; email, phone, first_name, last_name, street, postal_code, city"),
        col("value", "string", "the value chosen, as text; null for a clear value, which lies in the vault"),
        col("source", "string", "who said it", required=True),
        col("contact_id", "string", "contact that says it; null for a clear value that came with an order", personal=True),
        col("updated_at", "timestamp", "when the source last changed that contact; for a clear value, the time of its record"),
        col("subject_id", "string", "row of vault that holds the clear value, with file_id and field; null for an open value", personal=True),
        col("file_id", "string", "same"),
        col("rule", "string", "most_recent, most_trusted, most_frequent: the rule that chose it", required=True),
        col("values_said", "long", "distinct values said by the person's contacts", required=True),
        col("contacts", "long", "contacts that say the value chosen; of a clear value, identifiers and sources under which it lies", required=True)),
    rules={
        "a clear value stays in the vault": "(value is null) = (subject_id is not null)",
        "the value chosen was said": "contacts >= 1 and values_said >= 1"})

HOUSEHOLDS = Table(
    "households", layer="gold", grain="one household: persons of one family name at one address", key=("household_id",), owner="crm",
    columns=(
        col("household_id", "string", "keyed hash of family name and address; of joined names, the smallest", personal=True),
        col("members", "long", "persons, at least 2", required=True),
        col("first_seen_at", "timestamp", "earliest record of any of them there", required=True)),
    rules={"not alone": "members >= 2"})

HOUSEHOLD_MEMBERS = Table(
    "household_members", layer="gold", grain="one person in one household", key=("household_id", "person_id"), owner="crm",
    columns=(
        col("household_id", "string", "see households", personal=True),
        col("person_id", "string", "see persons; who moved is in several", personal=True),
        col("since_at", "timestamp", "earliest record of the person under this name and address", required=True),
        col("source", "string", "source of that record", required=True)))

PERSON_TIMELINE = Table(
    "person_timeline", layer="gold", grain="one happening of one person", key=("happening_id",), owner="cx",
    columns=(
        col("happening_id", "string", "event_key of a touch, conversion_id of a purchase, hash of person and purpose of a consent"),
        col("person_id", "string", "whose", required=True, personal=True),
        col("happened_at", "timestamp", "UTC", required=True),
        col("kind", "string", "purchase, contact (the firm acts), service, survey, consent, web, app, store, email, ad, usage, other", required=True),
        col("description", "string", "event name; of a consent, its purpose and whether it is granted", required=True),
        col("channel", "string", "channel group; null for a consent"),
        col("stage", "string", "stage of conf/stages.yaml; null if unmapped, and for a purchase of several records or a consent"),
        col("sources", "array<string>", "who reported it, sorted", required=True),
        col("amount", "decimal(18,2)", "value of the action; gross of a purchase, as refunds are happenings of their own"),
        col("currency", "string", "ISO 4217"),
        col("order_id", "string", "order"),
        col("store_id", "string", "store")))

PERSON_360 = Table(
    "person_360", layer="gold", grain="one person: who, what, when, where, why, how", key=("person_id",), owner="crm",
    columns=(
        col("person_id", "string", "see persons", personal=True),
        col("is_known", "boolean", "who: has a login, e-mail, phone, card or CRM record", required=True),
        col("identifier_types", "array<string>", "who: types of identifiers, sorted"),
        col("known_fields", "array<string>", "who: fields of persons that have a value, sorted", required=True),
        col("orders", "long", "what: orders, refunded ones too", required=True),
        col("revenue_amount", "decimal(18,2)", "what: revenue net of refunds of those in `revenue_currency`", required=True),
        col("revenue_currency", "string", "what: ISO 4217, of most orders; of equals, the last by name"),
        col("families", "array<string>", "what: product families bought, sorted", required=True),
        col("last_event", "string", "what: the person's latest action"),
        col("last_event_at", "timestamp", "when: its time"),
        col("first_seen_at", "timestamp", "when: earliest sight", required=True),
        col("last_seen_at", "timestamp", "when: latest sight", required=True),
        col("last_purchase_at", "timestamp", "when: latest order"),
        col("days_between_purchases", "double", "when: mean days from an order to the next; null below two orders"),
        col("platforms", "array<string>", "where: platforms on which the person acted, sorted", required=True),
        col("stores", "array<string>", "where: stores of those actions and of orders, sorted", required=True),
        col("postal_area", "string", "where: see persons"),
        col("last_stage", "string", "why: stage of the latest action that has one"),
        col("dominant_stage", "string", "why: stage of most actions; of equals, the last by name"),
        col("survey_reasons", "array<string>", "why: questions answered, sorted", required=True),
        col("ticket_reasons", "array<string>", "why: reasons of tickets and calls, sorted", required=True),
        col("has_open_journey", "boolean", "why: is on the way to something", required=True),
        col("channels", "array<string>", "how: channels of actions, sorted", required=True),
        col("arrival_channels", "array<string>", "how: channels by which visits began, sorted", required=True),
        col("sale_places", "array<string>", "how: web, app, store, call_centre of orders, sorted", required=True),
        col("device_types", "array<string>", "how: mobile, desktop, tablet, sorted", required=True),
        col("devices", "long", "how: how many devices", required=True),
        col("visits", "long", "how: visits", required=True),
        col("journeys", "long", "how: journeys", required=True)))

PERSON_360_GAPS = Table(
    "person_360_gaps", layer="gold", grain="one answer and population", key=("answer", "population"), owner="crm",
    columns=(
        col("answer", "string", "who, what, when, where, why, how"),
        col("population", "string", "known or anonymous"),
        col("persons", "long", "persons of the population", required=True),
        col("unanswered", "long", "of which person_360 has no answer", required=True),
        col("unanswered_share", "double", "unanswered / persons", required=True)))

IDENTITY_REACH = Table(
    "identity_reach", layer="gold", grain="one month of one source, platform and channel", key=("month", "source", "platform", "channel"), owner="crm",
    columns=(
        col("month", "date", "first day of the month, UTC"),
        col("source", "string", "name of the source"),
        col("platform", "string", "see touches; unknown where the source does not say"),
        col("channel", "string", "channel group"),
        col("touches", "long", "touches", required=True),
        col("of_a_person", "long", "of which given to a person, known or anonymous", required=True),
        col("of_a_known_person", "long", "of which given to a known person", required=True),
        col("recognition_rate", "double", "of_a_known_person / touches", required=True),
        col("persons", "long", "distinct persons; does not add up over rows", required=True),
        col("known_persons", "long", "distinct known persons; does not add up over rows", required=True)),
    rules={"parts of the whole": "of_a_known_person <= of_a_person and of_a_person <= touches"})

IDENTITY_OVERLAP = Table(
    "identity_overlap", layer="gold", grain="one part of the persons seen by the end of a month", key=("month", "breakdown", "part"), owner="crm",
    columns=(
        col("month", "date", "first day of a month in which somebody was new, or new to a source"),
        col("breakdown", "string", "crm_digital or sources"),
        col("part", "string", "crm_only, digital_only, both, neither; number of sources: 1 (a silo), 2, 3+"),
        col("persons", "long", "persons of the part among all seen by the end of the month", required=True),
        col("share", "double", "of all of them", required=True)))
