"""Who is who: what was seen together, which links are believed, and the persons that follow."""

from wayprint.contracts import Table, col

OBSERVATIONS = Table(
    "observations", layer="silver", grain="two identifiers seen together (or one alone) in one source by one sync point",
    key=("observation_id",),
    columns=(
        col("observation_id", "string", "hash of both identifiers, source and sync point"),
        col("identifier_id", "string", "the stronger identifier", required=True, personal=True),
        col("identifier_type", "string", "login, email, phone, loyalty_card, crm_id, device, ...", required=True),
        col("other_id", "string", "the identifier seen with it; null where it stood alone", personal=True),
        col("other_type", "string", "its type"),
        col("source", "string", "where it was seen", required=True),
        col("sync_point", "string", "what tied them: login, sign_up, form, email_click, loyalty_card, order, crm"),
        col("first_seen_at", "timestamp", "earliest sight", required=True),
        col("last_seen_at", "timestamp", "latest sight", required=True),
        col("sightings", "long", "how often", required=True)))

IDENTITY_AUDIT = Table(
    "identity_audit", layer="silver", grain="one refused link or blocked identifier", key=("audit_id",),
    columns=(
        col("audit_id", "string", "hash of rule and both identifiers"),
        col("identifier_id", "string", "one end", required=True, personal=True),
        col("identifier_type", "string", "its type", required=True),
        col("other_id", "string", "other end; null for a blocked identifier", personal=True),
        col("other_type", "string", "its type"),
        col("rule", "string", "blocklist, shape, fan_out, shared_device, max_per_person, unique_conflict", required=True),
        col("reason", "string", "in words, with the numbers", required=True),
        col("sources", "array<string>", "where the evidence came from, sorted"),
        col("last_seen_at", "timestamp", "latest evidence")))

IDENTITY_MAP = Table(
    "identity_map", layer="silver", grain="one identifier", key=("identifier_id",),
    columns=(
        col("identifier_id", "string", "keyed hash", personal=True),
        col("identifier_type", "string", "its type", required=True),
        col("person_id", "string", "whose it is; null for an identifier that is nobody's (blocked, shared)", personal=True),
        col("status", "string", "owned, shared, blocked", required=True),
        col("first_seen_at", "timestamp", "earliest sight", required=True),
        col("last_seen_at", "timestamp", "latest sight", required=True),
        col("sightings", "long", "how often", required=True)),
    rules={"owned means a person": "(status = 'owned') = (person_id is not null)"})

PERSONS = Table(
    "persons", layer="gold", grain="one person, known or anonymous", key=("person_id",), owner="crm",
    columns=(
        col("person_id", "string", "hash of the oldest identifier", personal=True),
        col("is_known", "boolean", "has a login, e-mail, phone, card or CRM record", required=True),
        col("identifiers", "long", "how many identifiers", required=True),
        col("devices", "long", "how many devices", required=True),
        col("identifier_types", "array<string>", "types present, sorted"),
        col("sources", "array<string>", "sources that saw the person, sorted"),
        col("first_seen_at", "timestamp", "earliest sight", required=True),
        col("last_seen_at", "timestamp", "latest sight", required=True),
        col("country", "string", "what survived of what contacts say; see person_fields"),
        col("postal_area", "string", "same"),
        col("language", "string", "same"),
        col("birth_year", "int", "same"),
        col("gender", "string", "same"),
        col("loyalty_tier", "string", "same")),
    rules={"at least one identifier": "identifiers >= 1"})

PERSON_CONSENTS = Table(
    "person_consents", layer="gold", grain="one person and purpose", key=("person_id", "purpose"), owner="privacy",
    columns=(
        col("person_id", "string", "see persons", personal=True),
        col("purpose", "string", "email_marketing, sms_marketing, advertising, profiling, analytics, ..."),
        col("granted", "boolean", "latest statement of each identifier or contact; one denial outweighs all grants", required=True),
        col("stated_at", "timestamp", "date of the statement that decides", required=True),
        col("source", "string", "source of that statement", required=True)))

IDENTITY_HEALTH = Table(
    "identity_health", layer="gold", grain="one measure of the identity graph", key=("measure",),
    columns=(
        col("measure", "string", "edges_seen, edges_refused, components, largest_component, edges_across, nodes_lost, ..."),
        col("value", "double", "its value", required=True),
        col("meaning", "string", "one sentence", required=True)),
    rules={
        "certificate: every believed link inside one person": "measure <> 'edges_across' or value = 0",
        "certificate: no identifier lost": "measure <> 'nodes_lost' or value = 0"})
