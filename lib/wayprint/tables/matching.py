"""Profiles that share no identifier and are probably one person: a tier beside the identity, which it never alters."""

from wayprint.contracts import Table, col

PROFILE_PAIRS = Table(
    "profile_pairs", layer="gold", grain="two persons whose clear values are alike", key=("person_id", "other_person_id"), owner="privacy",
    columns=(
        col("person_id", "string", "the smaller of the two ids; see persons", personal=True),
        col("other_person_id", "string", "the larger", personal=True),
        col("probability", "double", "chance that they are one person, calibrated, to four decimals", required=True),
        col("evidence", "array<string>", "which fields agree and how, in words, in the order of comparison; what is unknown of one is not listed",
            required=True, personal=True)),
    rules={
        "a probability": "probability between 0 and 1",
        "two persons, in order": "person_id < other_person_id"})

PROFILE_GROUPS = Table(
    "profile_groups", layer="gold", grain="one purpose and person who is in a group of two and more", key=("purpose", "person_id"), owner="privacy",
    columns=(
        col("purpose", "string", "email_marketing, sms_marketing, advertising, profiling, analytics; each asks for its own certainty"),
        col("person_id", "string", "see persons", personal=True),
        col("group_id", "string", "the group, called after its smallest member's person_id", required=True, personal=True)),
    rules={"called after the smallest member": "group_id <= person_id"})
