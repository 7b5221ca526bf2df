"""Channels from conf/channels.yaml: the same rules as a plain function and as one Spark expression.

Order of questions: own channels (by event and platform), then GA4's default channel group (18 rules, first match wins, case
does not matter; Google Analytics help, answer 9756891), else Unassigned. Texts are lower case and trimmed before they are compared;
a missing source and medium together are `(direct)` / `(none)`, one alone is `(not set)`, as in GA4's reports. A source that is a host
stands in a category where the host without its first label does (m.facebook.com, fr.pinterest.com), if that label says nothing of the site.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from wayprint.events.settings import HINTS, Case, ChannelRules, Match, Otherwise, Rule

DIRECT, NONE, NOT_SET = "(direct)", "(none)", "(not set)"
ENDING = r"\.(?:(?:com?|org|net)\.)?[a-z]{2,4}$"  # of a host: .fr, .com, .co.uk, .com.br


def classify(source: str | None, medium: str | None, campaign: str | None, rules: ChannelRules) -> str:
    """The channel group of one click by GA4's rules; own channels are not asked."""
    texts = [(text or "").strip(" ").lower() for text in (source, medium, campaign)]
    untagged = not texts[0] and not texts[1]
    listed = {source for sources in rules.sources.values() for source in sources}
    bare = re.sub(rules.prefix, "", texts[0], count=1)
    hints = {
        "source": DIRECT if untagged else (bare if bare in listed and texts[0] not in listed else texts[0]) or NOT_SET,
        "medium": NONE if untagged else texts[1] or NOT_SET,
        "campaign": texts[2] or NOT_SET,
    }

    def yes(case: Case) -> bool:
        return all(_answers(hints[field], match, rules) for field, match in case.asked.items())

    return next((rule.channel for rule in rules.groups if any(map(yes, rule.any))), rules.otherwise.channel)


def _answers(text: str, match: Match, rules: ChannelRules) -> bool:
    if match.equals is not None:
        return text in match.equals
    if match.category is not None:
        return text in rules.sources[match.category]
    return re.compile(match.matches or "", re.DOTALL).fullmatch(text) is not None


def place_in_channels(events: DataFrame, rules: ChannelRules) -> DataFrame:
    """Adds `channel`, `channel_rule`, `is_digital` by the event's own hints only; the channel of a visit is not decided here.

    In several projections: each asks often for what the one before derived once, and each stays small enough (8,000 bytes of
    bytecode) for the JVM to compile it: in one piece the rules took twice the processor time.
    """
    columns = events.columns
    hints = {
        "source": F.col("_hint.source"), "medium": F.col("_hint.medium"), "campaign": F.coalesce("_campaign", F.lit(NOT_SET)),
        "platform": F.coalesce("platform", F.lit("")), "event_name": F.col("event_name")}
    own = with_hints(events, rules).select("*", _first_match(rules.own, hints, rules).alias("_own"))
    group = channel_column(rules, hints["source"], hints["medium"], hints["campaign"])
    placed = own.select(*columns, F.coalesce(F.col("_own"), group).alias("_place"))
    return placed.select(*columns, "_place.channel", "_place.channel_rule", "_place.is_digital")


def with_hints(events: DataFrame, rules: ChannelRules) -> DataFrame:
    """Adds `_campaign` and `_hint`, a struct<source, medium>: by the tags, else the click id, the results page, the referring site, else direct."""
    clicks = {name: _hint(F.lit(hint.source), F.lit(hint.medium)) for name, hint in rules.click_ids.items()}
    engines = {host: F.lit(engine) for engine, hosts in rules.search_engines.items() for host in hosts}
    is_from_elsewhere = ~F.col("referrer_host").eqNullSafe(F.col("page_host"))
    tags = [tidy(F.col(f"utm_{name}")).alias(f"_{name}") for name in HINTS]
    tagged = events.select(
        "*", *tags, _lookup(clicks, tidy(F.col("click_id_type"))).alias("_click"),
        F.when(is_from_elsewhere, F.regexp_replace(tidy(F.col("referrer_host")), rules.referrer_prefix, "")).alias("_site"))
    sited = tagged.select(
        "*", F.coalesce(_lookup(engines, F.col("_site")), _lookup(engines, F.regexp_replace("_site", ENDING, ".*"))).alias("_engine"))
    is_tagged = F.col("_source").isNotNull() | F.col("_medium").isNotNull()
    hint = (
        F.when(is_tagged, _hint(F.coalesce("_source", F.lit(NOT_SET)), F.coalesce("_medium", F.lit(NOT_SET))))
        .when(F.col("_click").isNotNull(), F.col("_click"))
        .when(F.col("_engine").isNotNull(), _hint(F.col("_engine"), F.lit("organic")))
        .when(F.col("_site").isNotNull(), _hint(F.col("_site"), F.lit("referral")))
        .otherwise(_hint(F.lit(DIRECT), F.lit(NONE))))
    hinted = sited.select(*events.columns, "_campaign", hint.alias("_hint"))
    return hinted.withColumn("_hint", _hint(as_listed(F.col("_hint.source"), rules), F.col("_hint.medium")))


def as_listed(source: Column, rules: ChannelRules) -> Column:
    """The source as the categories list it: m.facebook.com becomes facebook.com; whatever none of them lists stays as it is."""
    listed = sorted({name for names in rules.sources.values() for name in names})
    bare = F.regexp_replace(source, rules.prefix, "")
    return F.when(bare.isin(*listed) & ~source.isin(*listed), bare).otherwise(source)


def channel_column(rules: ChannelRules, source: Column, medium: Column, campaign: Column, platform: Column | None = None) -> Column:
    """struct<channel, channel_rule, is_digital> by GA4's rules; the hints come tidy and not null.

    With `platform` the own rules are asked first, as of something without an event: what a printed catalogue cost is Catalogue.
    """
    hints = {"source": source, "medium": medium, "campaign": campaign}
    if platform is not None:
        own = _first_match(rules.own, {**hints, "platform": F.coalesce(platform, F.lit("")), "event_name": F.lit("")}, rules)
        return F.coalesce(own, channel_column(rules, source, medium, campaign))
    return F.coalesce(_first_match(rules.groups, hints, rules), _place(rules.otherwise, rules))


def _first_match(asked: Sequence[Rule], hints: dict[str, Column], rules: ChannelRules) -> Column:
    """The place of the first rule that says yes, null if none does."""
    def says_yes(rule: Rule) -> Column:
        return functools.reduce(operator.or_, [_case_column(case, hints, rules) for case in rule.any])

    nowhere = F.when(F.lit(False), _place(rules.otherwise, rules))  # a null of the right type, were there no rule
    return F.coalesce(*[F.when(says_yes(rule), _place(rule, rules)) for rule in asked], nowhere)


def _place(rule: Rule | Otherwise, rules: ChannelRules) -> Column:
    return F.struct(
        F.lit(rule.channel).alias("channel"), F.lit(rule.rule).alias("channel_rule"), F.lit(rules.channels[rule.channel]).alias("is_digital"))


def _case_column(case: Case, fields: dict[str, Column], rules: ChannelRules) -> Column:
    return functools.reduce(operator.and_, [_match_column(fields[field], match, rules) for field, match in case.asked.items()])


def _match_column(text: Column, match: Match, rules: ChannelRules) -> Column:
    if match.equals is not None:
        return text.isin(*match.equals)
    if match.category is not None:
        return text.isin(*rules.sources[match.category])
    return text.rlike(rf"(?s)\A(?:{match.matches})\z")


def tidy(text: Column) -> Column:
    """Lower case, trimmed; null if nothing is left."""
    trimmed = F.lower(F.trim(text))
    return F.when(trimmed != "", trimmed)


def _hint(source: Column, medium: Column) -> Column:
    return F.struct(source.alias("source"), medium.alias("medium"))


def _lookup(known: dict[str, Column], key: Column) -> Column:
    pairs = [part for name, value in known.items() for part in (F.lit(name), value)]
    return F.try_element_at(F.create_map(*pairs), key)
