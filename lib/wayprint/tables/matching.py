"""Profiles and devices that share no identifier and are probably one person's: a tier beside the identity, which it never alters."""

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

PROBABLE_DEVICES = Table(
    "probable_devices", layer="gold", grain="two devices on one rare address that are no one person's yet", key=("identifier_id", "other_id"), owner="privacy",
    columns=(
        col("identifier_id", "string", "the smaller of the two device ids; see identity_map", personal=True),
        col("identifier_type", "string", "its type", required=True),
        col("other_id", "string", "the larger", personal=True),
        col("other_type", "string", "its type", required=True),
        col("nights", "long", "nights on which both were on one rare address; 0 where they came on different ones", required=True),
        col("together", "long", "days on which both were, at any hour", required=True),
        col("days", "long", "days of the first on the addresses they share", required=True),
        col("other_days", "long", "days of the second there", required=True),
        col("addresses", "long", "rare addresses they share", required=True),
        col("devices", "long", "devices on the rarest of these in its window", required=True),
        col("persons", "long", "persons on it, as far as they are known; a device of nobody counts as one", required=True),
        col("interest", "double", "cosine of the products' families they looked at; null where one looked at none"),
        col("probability_person", "double", "chance that they are one person's, to four decimals; 0 for two accounts and for a shared device", required=True),
        col("probability_home", "double", "chance that they are one household's, to four decimals", required=True),
        col("evidence", "string", "the same in a sentence", required=True)),
    rules={
        "a probability": "probability_person between 0 and 1 and probability_home between 0 and 1",
        "one person is one home": "probability_person <= probability_home",
        "two devices, in order": "identifier_id < other_id",
        "nights are days": "nights <= together and together <= least(days, other_days)"})
