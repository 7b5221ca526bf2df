"""Who to talk to, with what right, and who is left out on purpose."""

from wayprint.contracts import Table, col

LIFECYCLE = Table(
    "lifecycle", layer="gold", grain="one person's present state", key=("person_id",), owner="crm",
    columns=(
        col("person_id", "string", "see persons", personal=True),
        col("state", "string", "suspect, prospect, lead, active, loyal, inactive, leaver (conf/lifecycle.yaml)", required=True),
        col("reason", "string", "the rule that decided, in words", required=True),
        col("last_purchase_at", "timestamp", "latest order"),
        col("orders_365d", "long", "orders in the last 365 days", required=True),
        col("revenue_365d", "decimal(18,2)", "net revenue of those in `revenue_currency`", required=True),
        col("revenue_currency", "string", "ISO 4217, in which most was paid; of equals, the last by name; null: none")))

AUDIENCE_MEMBERS = Table(
    "audience_members", layer="gold", grain="one person in one audience, from first entry", key=("audience", "person_id"), owner="crm", records_runs=True,
    columns=(
        col("audience", "string", "file name in conf/audiences"),
        col("person_id", "string", "see persons", personal=True),
        col("entered_on", "date", "latest entry", required=True),
        col("left_on", "date", "latest exit; null while in"),
        col("is_member", "boolean", "in the audience now", required=True),
        col("is_holdout", "boolean", "kept out of every action to measure the effect; by hash of the person", required=True),
        col("legal_basis", "string", "the purpose granted, or the declared legitimate interest; null once out"),
        col("reason", "string", "why in, or why out", required=True)),
    rules={"no member without a legal basis": "not is_member or legal_basis is not null",
           "left means out": "is_member = (left_on is null)"})

AUDIENCE_SIZES = Table(
    "audience_sizes", layer="gold", grain="one audience at one run", key=("audience", "counted_on"), owner="crm", records_runs=True,
    columns=(
        col("audience", "string", "file name in conf/audiences"),
        col("counted_on", "date", "as_of of the run"),
        col("title", "string", "from the audience's file", required=True),
        col("is_exclusion", "boolean", "members are kept away from what others are shown, not addressed", required=True),
        col("candidates", "long", "persons who meet the criteria", required=True),
        col("without_basis", "long", "refused for want of consent", required=True),
        col("suppressed", "long", "refused by a suppression (open complaint, pressure cap)", required=True),
        col("members", "long", "in the audience", required=True),
        col("holdout", "long", "of which held out", required=True),
        col("entered", "long", "in now and not before", required=True),
        col("left", "long", "in before and not now", required=True)),
    rules={"nobody is lost": "candidates = without_basis + suppressed + members"})

SUPPRESSIONS = Table(
    "suppressions", layer="gold", grain="one known person and channel that must not carry a promotion now", key=("person_id", "channel"),
    owner="crm",
    columns=(
        col("person_id", "string", "see persons", personal=True),
        col("channel", "string", "email, sms, push, catalogue, call_centre, ads, ... (audiences.channels)"),
        col("reason", "string", "the strongest: consent denied or not granted, a no on the channel, a complaint, too many contacts", required=True)))
