"""All steps in reading order, the jobs that group them, and the settings class of each domain; nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pydantic import BaseModel
from pyspark.sql import DataFrame

from wayprint.attribution.credit import credit_conversions, sum_credits
from wayprint.attribution.paths import trace_paths
from wayprint.attribution.returns import settle_returns
from wayprint.attribution.settings import AttributionSettings
from wayprint.attribution.weights import weigh_channels
from wayprint.audiences.grammar import Criterion, leaves
from wayprint.audiences.lifecycle import place_lifecycle
from wayprint.audiences.members import choose_members, weigh_persons
from wayprint.audiences.settings import AudienceSettings
from wayprint.audiences.suppressions import list_suppressions
from wayprint.contracts import BadConfiguration, Changes, Previous, RawFiles, Step, Whole
from wayprint.events.cleaning import clean, judge_events
from wayprint.events.contacts import latest_contacts
from wayprint.events.costs import daily_costs
from wayprint.events.repetitions import deduplicate, find_repetitions
from wayprint.events.settings import EventSettings
from wayprint.identity.episodes import cut_episodes
from wayprint.identity.health import judged_links, measure_identity
from wayprint.identity.history import compare, record_history
from wayprint.identity.observations import observe
from wayprint.identity.orders import stitch_orders
from wayprint.identity.resolution import judge_changes, replaced_rows, resolve
from wayprint.identity.settings import IdentitySettings
from wayprint.journeys.conversions import order_conversions
from wayprint.journeys.flows import follow_flows, funnel_stages, measure_effort
from wayprint.journeys.journeys import trace_journeys
from wayprint.journeys.kpis import count_kpis
from wayprint.journeys.matrix import map_stages
from wayprint.journeys.sessions import sessionize
from wayprint.journeys.settings import JourneySettings
from wayprint.journeys.touches import place_touches
from wayprint.matching.devices import suggest_devices
from wayprint.matching.profiles import link_profiles
from wayprint.matching.settings import MatchingSettings
from wayprint.persons.consents import settle_consents
from wayprint.persons.happenings import gather_happenings
from wayprint.persons.households import find_households
from wayprint.persons.person_360 import view_persons
from wayprint.persons.persons import describe_persons
from wayprint.persons.reach import count_touches, measure_reach
from wayprint.persons.settings import PersonSettings
from wayprint.persons.survivorship import choose_fields
from wayprint.propensity.examples import build_examples
from wayprint.propensity.score import score_persons
from wayprint.propensity.settings import PropensitySettings
from wayprint.propensity.training import train_models
from wayprint.report.settings import ReportSettings
from wayprint.session import SparkSettings
from wayprint.settings import Settings
from wayprint.sources.addresses import hash_addresses
from wayprint.sources.identifiers import canonical
from wayprint.sources.ingest import ingest, parse_files
from wayprint.sources.keys import Keys
from wayprint.sources.settings import SourceSettings
from wayprint.tables.attribution import CHANNEL_CREDITS, CHANNEL_WEIGHTS, CONVERSION_CREDITS, PATHS, RETURNS
from wayprint.tables.audiences import AUDIENCE_MEMBERS, AUDIENCE_SIZES, LIFECYCLE, SUPPRESSIONS
from wayprint.tables.bronze import FILES, QUARANTINE, RAW_CONTACTS, RAW_COSTS, RAW_EVENTS, RAW_REFERENCES, VAULT
from wayprint.tables.events import CONTACTS, COSTS, EVENTS, REFUSED_EVENTS, REPEATED_EVENTS, UNIQUE_EVENTS
from wayprint.tables.identity import (
    EPISODES,
    IDENTITY_AUDIT,
    IDENTITY_CHANGES,
    IDENTITY_DECISIONS,
    IDENTITY_GATES,
    IDENTITY_HEALTH,
    IDENTITY_HISTORY,
    IDENTITY_MAP,
    IDENTITY_SUGGESTIONS,
    OBSERVATIONS,
    PERSON_ALIASES,
    PERSON_CONSENTS,
    PERSONS,
    STITCHED_ORDERS,
)
from wayprint.tables.journeys import (
    CHANNEL_FLOWS,
    CONVERSIONS,
    JOURNEYS,
    PURCHASE_EFFORT,
    SESSIONS,
    STAGE_CHANNEL_MATRIX,
    STAGE_FUNNEL,
    TOUCHES,
    VISITS,
)
from wayprint.tables.matching import PROBABLE_DEVICES, PROFILE_GROUPS, PROFILE_PAIRS
from wayprint.tables.persons import (
    HOUSEHOLD_MEMBERS,
    HOUSEHOLDS,
    IDENTITY_OVERLAP,
    IDENTITY_REACH,
    PERSON_360,
    PERSON_360_GAPS,
    PERSON_FIELDS,
    PERSON_TIMELINE,
)
from wayprint.tables.propensity import EXAMPLES, MODEL_MEASURES, SCORES
from wayprint.tables.quality import KPIS
from wayprint.words import nearest

SECTIONS: dict[str, type[BaseModel]] = {
    "spark": SparkSettings,
    "sources": SourceSettings,
    "events": EventSettings,
    "identity": IdentitySettings,
    "persons": PersonSettings,
    "matching": MatchingSettings,
    "journeys": JourneySettings,
    "attribution": AttributionSettings,
    "propensity": PropensitySettings,
    "audiences": AudienceSettings,
    "report": ReportSettings,
}


def compose(settings: Settings, keys: Keys) -> Settings:
    """The settings with what only the keys can say, the hashes by which blocked values are known inside the lake, and with what several
    domains must know of the types of identifiers. Raises BadConfiguration where one domain names what another does not have."""
    for knob, words, known in (
        ("journeys.order_sources", settings.journeys.order_sources, settings.sources.specs),
        ("report.headline_model", [settings.report.headline_model], settings.attribution.models),
    ):
        if unknown := [word for word in words if word not in known]:
            raise BadConfiguration(f"{knob} names {unknown[0]!r}{nearest(unknown[0], known)}")
    if wrong := unknown_words(settings, settings.audiences.criteria):
        raise BadConfiguration("; ".join(wrong))
    country, identity = settings.sources.default_country, settings.identity
    values = [canonical(kind, value, country) for kind, known in identity.types.items() for value in known.blocked]
    blocked = sorted({keys.identifier_id(*value) for value in values if value})
    told = settings.replace("identity", blocked_ids=blocked).replace("matching", unique_types=identity.unique_types, device_types=identity.device_types)
    return told.replace("persons", device_types=identity.device_types).replace("journeys", device_types=identity.device_types)


def unknown_words(settings: Settings, criteria: Iterable[tuple[str, Criterion]]) -> list[str]:
    """What the criteria of files name and other domains do not have."""
    vocabulary: tuple[tuple[str, Sequence[str], Callable[[str], str]], ...] = (
        ("model", [settings.propensity.model], str),
        ("stage", [stage.name for stage in settings.journeys.stages.stages], str.lower),
        ("channel", list(settings.journeys.channels), str.lower),  # criteria compare both in any case of letters
    )
    return [
        f"{file}: {leaf.kind}.{option} names {word!r}{nearest(word, known)}"
        for file, criterion in criteria for leaf in leaves(criterion) for option, known, is_same in vocabulary
        for word in leaf.get(option, ()) if is_same(word) not in map(is_same, known)]


def match_profiles(contacts: DataFrame, vault: DataFrame, identity_map: DataFrame, settings: MatchingSettings) -> tuple[DataFrame, DataFrame]:
    """`link_profiles` with the key that opens the vault: only sources know keys, only identity knows likeness."""
    return link_profiles(contacts, vault, identity_map, settings, Keys.from_environment().open)


INGEST = "ingest"
JOBS: dict[str, tuple[Step, ...]] = {
    "ingest": (
        Step(ingest, (RawFiles(),), (VAULT, RAW_EVENTS, RAW_CONTACTS, RAW_COSTS, RAW_REFERENCES, QUARANTINE, FILES), each="file_id", prepare=parse_files,
             selects=True),
        Step(deduplicate, (RAW_EVENTS,), (UNIQUE_EVENTS, REPEATED_EVENTS), each="event_id", prepare=find_repetitions, commit=UNIQUE_EVENTS),
        Step(clean, (UNIQUE_EVENTS,), (EVENTS, REFUSED_EVENTS), each="origin_id", prepare=judge_events, commit=EVENTS),
        Step(latest_contacts, (RAW_CONTACTS,), (CONTACTS,), each="contact_id"),
        Step(daily_costs, (RAW_COSTS,), (COSTS,)),
    ),
    "identity": (
        Step(stitch_orders, (EVENTS,), (STITCHED_ORDERS,), each="order_id"),
        Step(observe, (EVENTS, CONTACTS, STITCHED_ORDERS), (OBSERVATIONS,), each="identifier_id"),
        Step(resolve, (Changes(OBSERVATIONS), Changes(IDENTITY_DECISIONS), Previous(IDENTITY_MAP), Previous(IDENTITY_AUDIT)),
             (IDENTITY_AUDIT, IDENTITY_GATES, IDENTITY_MAP), prepare=judge_changes, replaces=replaced_rows),
        Step(record_history, (IDENTITY_MAP, IDENTITY_AUDIT, OBSERVATIONS, Previous(IDENTITY_HISTORY), Previous(IDENTITY_CHANGES), Previous(PERSON_ALIASES)),
             (IDENTITY_CHANGES, PERSON_ALIASES, IDENTITY_HISTORY), prepare=compare),
        Step(cut_episodes, (EVENTS, IDENTITY_MAP, IDENTITY_AUDIT), (EPISODES,)),
        Step(choose_fields, (IDENTITY_MAP, CONTACTS, VAULT, FILES), (PERSON_FIELDS,)),
        Step(measure_identity, (IDENTITY_MAP, IDENTITY_AUDIT, IDENTITY_GATES, OBSERVATIONS, PERSON_FIELDS, IDENTITY_CHANGES, Previous(IDENTITY_HEALTH)),
             (IDENTITY_SUGGESTIONS, IDENTITY_HEALTH), prepare=judged_links),
        Step(describe_persons, (IDENTITY_MAP, PERSON_FIELDS, OBSERVATIONS), (PERSONS,)),
        Step(settle_consents, (IDENTITY_MAP, CONTACTS, EVENTS), (PERSON_CONSENTS,)),
        Step(find_households, (VAULT, IDENTITY_MAP, CONTACTS, FILES), (HOUSEHOLDS, HOUSEHOLD_MEMBERS), prepare=hash_addresses),
        Step(match_profiles, (CONTACTS, VAULT, IDENTITY_MAP), (PROFILE_PAIRS, PROFILE_GROUPS)),
        Step(suggest_devices, (EVENTS, IDENTITY_MAP), (PROBABLE_DEVICES,)),
    ),
    "journeys": (
        Step(sessionize, (EVENTS,), (SESSIONS,), each="origin_id"),
        Step(place_touches, (EVENTS, IDENTITY_MAP, EPISODES), (TOUCHES,), each="identifier_id", each_null=True),
        Step(order_conversions, (TOUCHES,), (CONVERSIONS,), each="order_id"),
        Step(trace_journeys, (TOUCHES, CONVERSIONS), (VISITS, JOURNEYS), each="person_id"),
        Step(map_stages, (TOUCHES, JOURNEYS), (STAGE_CHANNEL_MATRIX,)),
        Step(measure_effort, (JOURNEYS,), (PURCHASE_EFFORT,)),
        Step(follow_flows, (JOURNEYS,), (CHANNEL_FLOWS,)),
        Step(funnel_stages, (JOURNEYS,), (STAGE_FUNNEL,)),
        Step(count_kpis, (EVENTS, SESSIONS, TOUCHES, VISITS, CONVERSIONS, JOURNEYS), (KPIS,)),
        Step(view_persons, (PERSONS, TOUCHES, CONVERSIONS, VISITS, JOURNEYS, PERSON_CONSENTS), (PERSON_TIMELINE, PERSON_360), each="person_id",
             prepare=gather_happenings),
        Step(measure_reach, (TOUCHES, PERSONS, OBSERVATIONS, IDENTITY_MAP, PERSON_360), (IDENTITY_REACH, IDENTITY_OVERLAP, PERSON_360_GAPS),
             prepare=count_touches),
    ),
    "attribution": (
        Step(trace_paths, (JOURNEYS,), (PATHS,)),
        Step(weigh_channels, (PATHS,), (CHANNEL_WEIGHTS,)),
        Step(credit_conversions, (JOURNEYS, CONVERSIONS, Whole(CHANNEL_WEIGHTS)), (CONVERSION_CREDITS,), each="conversion_id"),
        Step(sum_credits, (CONVERSION_CREDITS, CHANNEL_WEIGHTS), (CHANNEL_CREDITS,)),
        Step(settle_returns, (CONVERSION_CREDITS, COSTS), (RETURNS,)),
    ),
    "propensity": (
        Step(build_examples, (TOUCHES, VISITS, CONVERSIONS, IDENTITY_MAP), (EXAMPLES,), each="person_id"),
        Step(train_models, (EXAMPLES,), (MODEL_MEASURES,)),
        Step(score_persons, (EXAMPLES, MODEL_MEASURES), (SCORES,)),
    ),
    "audiences": (
        Step(place_lifecycle, (PERSONS, CONVERSIONS, TOUCHES), (LIFECYCLE,), each="person_id"),
        Step(list_suppressions, (PERSONS, TOUCHES, PERSON_CONSENTS), (SUPPRESSIONS,), each="person_id"),
        Step(choose_members, (PERSONS, TOUCHES, CONVERSIONS, LIFECYCLE, SCORES, PERSON_CONSENTS, Previous(AUDIENCE_MEMBERS), Previous(AUDIENCE_SIZES)),
             (AUDIENCE_SIZES, AUDIENCE_MEMBERS), prepare=weigh_persons),
    ),
    "report": (),
}
STEPS: tuple[Step, ...] = tuple(step for steps in JOBS.values() for step in steps)
JOBS["pipeline"] = STEPS

EXPORT_READS = (AUDIENCE_MEMBERS, IDENTITY_MAP, VAULT, PERSON_CONSENTS)
