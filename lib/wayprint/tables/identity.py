"""Who is who: what was seen together, which links are believed, and the persons that follow."""

from wayprint.contracts import Table, col
from wayprint.tables.bronze import FLAWS, IDENTIFIERS

STITCHED_ORDERS = Table(
    "stitched_orders", layer="silver", grain="one order that several records tell of, and an identifier that stands for one of them, not for all",
    key=("stitch_id",),
    columns=(
        col("stitch_id", "string", "hash of the order and the identifier"),
        col("order_id", "string", "the order's number", required=True),
        col("identifier_id", "string", "the strongest identifier that stands for a record of the order", required=True, personal=True),
        col("identifiers", IDENTIFIERS, "the strongest and the other: type and keyed hash, sorted", required=True, personal=True),
        col("flaws", FLAWS, "those whose text names nobody, each with its rule; null: none", personal=True),
        col("source", "string", "where the other was seen", required=True),
        col("happened_at", "timestamp", "when the order was made, as the other's record tells it", required=True)))

OBSERVATIONS = Table(
    "observations", layer="silver", grain="two identifiers seen together (or one alone) in one source by one sync point",
    key=("observation_id",),
    columns=(
        col("observation_id", "string", "hash of both identifiers, source and sync point"),
        col("identifier_id", "string", "the stronger identifier", required=True, personal=True),
        col("identifier_type", "string", "login, email, phone, loyalty_card, crm_id, device, ...", required=True),
        col("identifier_flaw", "string", "shape or blocklist: its text names nobody"),
        col("other_id", "string", "the identifier seen with it; null where it stood alone", personal=True),
        col("other_type", "string", "its type"),
        col("other_flaw", "string", "shape or blocklist: its text names nobody"),
        col("source", "string", "where it was seen", required=True),
        col("sync_point", "string", "what tied them: login, sign_up, form, email_click, loyalty_card, order, same_order, crm"),
        col("first_seen_at", "timestamp", "earliest sight", required=True),
        col("last_seen_at", "timestamp", "latest sight", required=True),
        col("sightings", "long", "how often", required=True)))

IDENTITY_DECISIONS = Table(
    "identity_decisions", layer="silver", grain="one decision somebody took about identifiers", key=("decision_id",), owner="crm",
    columns=(
        col("decision_id", "string", "hash of all that it says"),
        col("decided_at", "timestamp", "when", required=True),
        col("action", "string", "block, unblock (an identifier), split, join (two of them), undo (an earlier decision)", required=True),
        col("identifier_id", "string", "the identifier, or the first of two; null for undo", personal=True),
        col("identifier_type", "string", "its type"),
        col("other_id", "string", "the second of two", personal=True),
        col("other_type", "string", "its type"),
        col("undoes", "string", "decision_id of what undo takes back"),
        col("decided_by", "string", "who", required=True, personal=True),
        col("why", "string", "in words")),
    rules={
        "action is known": "action in ('block', 'unblock', 'split', 'join', 'undo')",
        "split and join name two identifiers": "action not in ('split', 'join') or (identifier_id is not null and other_id is not null)"})

IDENTITY_AUDIT = Table(
    "identity_audit", layer="silver", grain="one refused link or blocked identifier", key=("audit_id",),
    columns=(
        col("audit_id", "string", "hash of rule and both identifiers"),
        col("identifier_id", "string", "one end", required=True, personal=True),
        col("identifier_type", "string", "its type", required=True),
        col("other_id", "string", "other end; null for a blocked identifier", personal=True),
        col("other_type", "string", "its type"),
        col("rule", "string", "blocklist, shape, unknown_type, shared_device, fan_out: of an identifier and its links; expired, purpose, links_per_identifier, "
            "unique_conflict, max_per_person, split: of a link", required=True),
        col("reason", "string", "in words, with the numbers", required=True),
        col("sources", "array<string>", "where the evidence came from, sorted"),
        col("first_seen_at", "timestamp", "earliest evidence; null where there is only a decision"),
        col("last_seen_at", "timestamp", "latest evidence"),
        col("sightings", "long", "how often")))

IDENTITY_MAP = Table(
    "identity_map", layer="silver", grain="one identifier", key=("identifier_id",),
    columns=(
        col("identifier_id", "string", "keyed hash", personal=True),
        col("identifier_type", "string", "its type", required=True),
        col("person_id", "string", "whose it is; null for an identifier that is nobody's (blocked, shared)", personal=True),
        col("status", "string", "owned, shared, blocked", required=True),
        col("component", "string", "smallest identifier of those it hangs together with by links that may be believed, before limits are looked at: what is "
            "judged together; null for one that ties nothing", personal=True),
        col("first_seen_at", "timestamp", "earliest sight", required=True),
        col("last_seen_at", "timestamp", "latest sight", required=True),
        col("sightings", "long", "how often", required=True)),
    rules={"owned means a person": "(status = 'owned') = (person_id is not null)"})

IDENTITY_HISTORY = Table(
    "identity_history", layer="silver", grain="one identifier over the days on which it was one person's", key=("identifier_id", "valid_from"),
    columns=(
        col("identifier_id", "string", "keyed hash", personal=True),
        col("identifier_type", "string", "its type", required=True),
        col("person_id", "string", "whose it was; null: nobody's", personal=True),
        col("status", "string", "owned, shared, blocked", required=True),
        col("valid_from", "date", "day of the run that first said so"),
        col("valid_to", "date", "day of the run that said otherwise, no longer valid on it; null: still so")),
    rules={"ends after it begins": "valid_to > valid_from"}, records_runs=True)

IDENTITY_CHANGES = Table(
    "identity_changes", layer="gold", grain="one change of one person on one day", key=("change_id",), owner="crm",
    columns=(
        col("change_id", "string", "hash of day, kind and both persons"),
        col("changed_on", "date", "day of the run that found it", required=True),
        col("kind", "string", "minted; merged (into other_person_id); renamed (other_person_id is its new id); split (off: other_person_id is new); "
            "moved (identifiers to other_person_id); retired", required=True),
        col("person_id", "string", "the person concerned", required=True, personal=True),
        col("other_person_id", "string", "merged, renamed: whose it is now; split, moved: where the identifiers went", personal=True),
        col("identifiers", "long", "identifiers concerned", required=True),
        col("identifier_id", "string", "evidence: one end of the link", personal=True),
        col("other_id", "string", "evidence: its other end", personal=True),
        col("sources", "array<string>", "evidence: where the link was seen, sorted"),
        col("rule", "string", "evidence: the rule by which it is no longer believed; null where it is why they are one"),
        col("reason", "string", "in words", required=True)),
    rules={"kind is known": "kind in ('minted', 'merged', 'renamed', 'split', 'moved', 'retired')"}, records_runs=True)

PERSON_ALIASES = Table(
    "person_aliases", layer="gold", grain="one person_id that is no longer in use", key=("person_id",), owner="crm",
    columns=(
        col("person_id", "string", "as it was published once", personal=True),
        col("present_person_id", "string", "who that is today: whoever has the identifier it is called after, or else most of those it had last; "
            "null: they are gone or nobody's", personal=True),
        col("since", "date", "first day on which it was no longer in use", required=True)),
    records_runs=True)

EPISODES = Table(
    "episodes", layer="silver", grain="one stay of one person on a shared device", key=("identifier_id", "started_at"),
    columns=(
        col("identifier_id", "string", "the shared device", personal=True),
        col("started_at", "timestamp", "first action under the account"),
        col("ended_at", "timestamp", "from here on it is over; null: it is not"),
        col("ended_by", "string", "logout, another_account, silence; null: it is not over"),
        col("person_id", "string", "whose account", required=True, personal=True),
        col("events", "long", "actions of the device in it", required=True)),
    rules={"ends after it starts": "ended_at > started_at"})

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

IDENTITY_GATES = Table(
    "identity_gates", layer="gold", grain="one gate that a new identity must pass before it is published", key=("gate",), owner="crm",
    columns=(
        col("gate", "string", "edges_across, nodes_lost (the certificate), largest_growth, torn_share, ids_gone_share"),
        col("value", "double", "what was measured", required=True),
        col("bound", "double", "the most that passes", required=True),
        col("is_open", "boolean", "passed", required=True),
        col("meaning", "string", "what it measures, and what to do where it is shut", required=True)),
    rules={
        "the certificate holds: every believed link is inside one person, no identifier is lost": "gate not in ('edges_across', 'nodes_lost') or is_open",
        "the largest person did not explode": "gate <> 'largest_growth' or is_open",
        "not too many identifiers were torn from their person": "gate <> 'torn_share' or is_open",
        "not too many person_ids went out of use": "gate <> 'ids_gone_share' or is_open"},
    records_runs=True)

IDENTITY_HEALTH = Table(
    "identity_health", layer="gold", grain="one measure of the identity graph on one day", key=("measured_on", "measure"), owner="crm",
    columns=(
        col("measured_on", "date", "day of the run"),
        col("measure", "string", "see `meaning`; identifiers_*, edges_*, persons_*, size_*, largest_*, *_share; *_change: since the last day measured"),
        col("value", "double", "its value", required=True),
        col("meaning", "string", "one sentence", required=True)),
    records_runs=True)

IDENTITY_SUGGESTIONS = Table(
    "identity_suggestions", layer="gold", grain="one identifier that may name nobody", key=("identifier_id",), owner="crm",
    columns=(
        col("identifier_id", "string", "for `wayprint identity block`", personal=True),
        col("identifier_type", "string", "its type", required=True),
        col("person_id", "string", "whose it is now", required=True, personal=True),
        col("neighbours_name", "string", "person, device: of which it ties too many", required=True),
        col("neighbours", "long", "identifiers of persons, or devices, that it is believed to be tied to", required=True),
        col("effective_neighbours", "double", "exp of the entropy of its sightings over them: how many it would be if all were seen equally often", required=True),
        col("usual_neighbours", "double", "effective neighbours of that sort that 99 of 100 identifiers of its type do not exceed", required=True),
        col("sightings", "long", "how often it was seen with them", required=True),
        col("person_identifiers", "long", "identifiers of its person now", required=True),
        col("persons_after", "long", "persons that would be left of that person if it were blocked", required=True)))
