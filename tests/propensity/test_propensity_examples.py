import datetime as dt
import random
from decimal import Decimal

import pytest

from wayprint.contracts import broken_counts, conform
from wayprint.propensity.examples import build_examples, feature_dates
from wayprint.tables.identity import IDENTITY_MAP
from wayprint.tables.journeys import CONVERSIONS, TOUCHES, VISITS
from wayprint.tables.propensity import EXAMPLES, FEATURES

pytestmark = pytest.mark.spark

AS_OF = dt.date(2026, 5, 1)
START = dt.datetime(2026, 1, 1)
DAY = dt.timedelta(days=1)
VERBS = ["page_view", "product_view", "add_to_cart", "search", "email_click", "email_sent", "ticket_opened", "purchase"]
TABLES = (TOUCHES, VISITS, CONVERSIONS, IDENTITY_MAP)


def moment(draw):
    """A time around the feature dates: often at midnight sharp or a microsecond before it."""
    day = START + DAY * draw.choice([*range(-400, 0, 50), *range(0, 140, 2), 31, 59, 90, 120, -334])
    return day + draw.choice([dt.timedelta(0), dt.timedelta(microseconds=-1), dt.timedelta(seconds=draw.randrange(86400))])


def world(cases=200, seed=1):
    """Rows of the four inputs for many persons, as dicts."""
    draw = random.Random(seed)
    tables = ([], [], [], [])
    touches, visits, orders, identifiers = tables
    for case in range(cases):
        person = f"p{case:04d}"
        touches += [{
            "event_key": f"e{case}-{n}", "person_id": person, "happened_at": moment(draw), "event_name": (verb := draw.choice(VERBS)),
            "direction": "outbound" if verb == "email_sent" else "inbound", "channel": draw.choice(["Store", "Direct", "Email", "Call centre"]),
        } for n in range(draw.randrange(25))]
        visits += [{"visit_id": f"v{case}-{n}", "person_id": person, "started_at": moment(draw)} for n in range(draw.randrange(12))]
        orders += [{"order_id": f"o{case}-{n}", "person_id": person, "converted_at": moment(draw),
                    "gross_amount": Decimal(draw.randrange(100, 99999)) / 100, "revenue_amount": Decimal(0)} for n in range(draw.randrange(6))]
        identifiers += [{
            "identifier_id": f"i{case}-{n}", "person_id": person, "status": "owned", "first_seen_at": moment(draw),
            "identifier_type": draw.choice(["web_cookie", "maid", "login", "loyalty_card", "mail_person"])} for n in range(draw.randrange(5))]
    touches.append({"event_key": "nobody", "person_id": None, "happened_at": START, "event_name": "page_view", "direction": "inbound"})
    identifiers.append({"identifier_id": "nobody", "person_id": None, "status": "shared", "first_seen_at": START, "identifier_type": "email"})
    return tables


def expected(tables, as_of=AS_OF):
    """The same answer by loops over plain Python rows, comparing times, not days."""
    touches = tables[0]
    dates, day = [as_of], as_of
    while day > dt.date(2024, 1, 1):
        day -= DAY
        if day.day == 1 and day + 30 * DAY <= as_of:
            dates.append(day)
    found = {}
    for person in {row["person_id"] for row in touches} - {None}:
        mine = [[row for row in table if row["person_id"] == person] for table in tables]
        for date in sorted(dates)[-25:]:
            at = dt.datetime.combine(date, dt.time())

            def within(rows, time, days=None, at=at):
                return [row for row in rows if row[time] < at and (days is None or row[time] >= at - days * DAY)]

            def count(days, verb, mine=mine, within=within):
                return len([row for row in within(mine[0], "happened_at", days) if row["event_name"] == verb])

            past = within(mine[0], "happened_at")
            if not past:
                continue
            inbound = [row for row in past if row["direction"] == "inbound"]
            bought, known = within(mine[2], "converted_at"), within(mine[3], "first_seen_at")
            times = [row[name] for rows, name in ((past, "happened_at"), (within(mine[1], "started_at"), "started_at"),
                                                  (bought, "converted_at"), (known, "first_seen_at")) for row in rows]

            def days_since(times, date=date):
                return float((date - max(times).date()).days) if times else None

            found[person, date] = {
                "features_until": max(times),
                "label": None if date == as_of else int(any(at <= row["converted_at"] < at + 30 * DAY for row in mine[2])),
                "days_since_seen": days_since([row["happened_at"] for row in inbound]),
                "days_since_purchase": days_since([row["converted_at"] for row in bought]),
                "purchases_365d": len(within(bought, "converted_at", 365)),
                "gross_revenue_365d": float(sum(row["gross_amount"] for row in within(bought, "converted_at", 365))),
                **{f"visits_{days}d": len(within(mine[1], "started_at", days)) for days in (7, 30, 90)},
                "product_views_30d": count(30, "product_view"), "carts_30d": count(30, "add_to_cart"), "searches_30d": count(30, "search"),
                "email_clicks_90d": count(90, "email_click"), "emails_sent_90d": count(90, "email_sent"),
                "tickets_90d": count(90, "ticket_opened"),
                "store_visits_365d": len([row for row in within(inbound, "happened_at", 365) if row["channel"] == "Store"]),
                "channels_90d": len({row["channel"] for row in within(inbound, "happened_at", 90)}),
                "devices": len([row for row in known if row["identifier_type"] in ("web_cookie", "maid")]),
                "is_known": float(any(row["identifier_type"] in ("login", "loyalty_card") for row in known)),
                "tenure_days": float((date - min(times).date()).days)}
    return found


def frames(rows, tables):
    return [rows(table, *given) for table, given in zip(TABLES, tables, strict=True)]


def built(rows, tables, knobs, as_of=AS_OF, partitions=None):
    given = frames(rows, tables)
    if partitions:
        given = [frame.repartition(partitions) for frame in given]
    return conform(build_examples(*given, knobs, as_of), EXAMPLES)


def by_key(frame):
    return {(row.person_id, row.feature_date): row.asDict() for row in frame.collect()}


@pytest.fixture
def knobs(shipped):
    return shipped


def test_features_and_labels_equal_a_loop_over_rows(rows, knobs):
    tables = world()
    found, wanted = by_key(built(rows, tables, knobs)), expected(tables)
    assert found.keys() == wanted.keys()
    assert len({date for _, date in found}) > 15
    for key, values in wanted.items():
        assert {name: found[key][name] for name in values} == values, key
    assert sum(row["label"] or 0 for row in found.values()) > 100


def test_what_happens_later_changes_no_feature(rows, knobs):
    tables, cut = world(cases=60), dt.datetime(2026, 3, 1)
    late = world(cases=60, seed=2)
    times = ("happened_at", "started_at", "converted_at", "first_seen_at")
    moved = tuple(
        [{**row, key: f"late-{row[key]}", time: cut + (row[time] - START) % (70 * DAY)} for row in table]
        for table, key, time in zip(late, ("event_key", "visit_id", "order_id", "identifier_id"), times, strict=True))
    before = by_key(built(rows, tables, knobs))
    after = by_key(built(rows, tuple(one + other for one, other in zip(tables, moved, strict=True)), knobs))
    features = [feature.name for feature in FEATURES] + ["features_until"]
    early = [key for key in before if key[1] <= cut.date()]
    assert len(early) > 100
    for key in early:
        assert [before[key][name] for name in features] == [after[key][name] for name in features], key
    assert any(before[key]["label"] != after[key]["label"] for key in early)


def test_a_feature_from_the_day_of_the_label_breaks_the_promise(rows):
    day = dt.date(2026, 3, 1)
    given = [{"person_id": f"p{n}", "feature_date": day, "label_from": day, "label": 0, "fold": "train", "features_until": until} for n, until in
             enumerate([dt.datetime(2026, 3, 1), dt.datetime(2026, 2, 28, 23, 59, 59), None, dt.datetime(2026, 3, 9)])]
    place = [rule.name for rule in EXAMPLES.checks].index("features strictly before the label")
    assert rows(EXAMPLES, *given).agg(*broken_counts(EXAMPLES)).first()[f"rule_{place}"] == 2


def test_built_examples_keep_every_rule(rows, knobs):
    counts = built(rows, world(cases=60), knobs).agg(*broken_counts(EXAMPLES)).first().asDict()
    assert counts.pop("rows") > 300
    assert set(counts.values()) == {0}


@pytest.mark.parametrize("as_of", [AS_OF, dt.date(2026, 5, 17)])
def test_no_person_is_in_both_folds_and_no_training_window_reaches_into_the_test(rows, knobs, as_of):
    found = built(rows, world(), knobs, as_of=as_of).collect()
    fold = {name: [row for row in found if row.fold == name] for name in ("train", "test", "unused", "score")}
    assert all(fold.values())
    assert not {row.person_id for row in fold["train"]} & {row.person_id for row in fold["test"]}
    assert len({row.feature_date for row in fold["test"]}) == 1
    test_from = fold["test"][0].feature_date
    assert max(row.feature_date for row in fold["train"]) + 30 * DAY <= test_from
    assert test_from + 30 * DAY <= as_of
    assert {row.feature_date for row in fold["score"]} == {as_of}
    share = len(fold["test"]) / len([row for row in found if row.feature_date == test_from])
    assert 0.2 < share < 0.4


def test_four_months_of_data_leave_months_to_learn_and_a_month_to_judge(knobs):
    assert feature_dates(AS_OF, knobs)[-4:] == [dt.date(2026, 2, 1), dt.date(2026, 3, 1), dt.date(2026, 4, 1), AS_OF]
    assert feature_dates(dt.date(2026, 4, 30), knobs)[-2:] == [dt.date(2026, 3, 1), dt.date(2026, 4, 30)]
    assert len(feature_dates(AS_OF, knobs)) == knobs.history_months + 1


def test_order_partitions_and_a_restriction_to_some_persons_change_nothing(rows, knobs):
    tables = world(cases=60)
    whole = by_key(built(rows, tables, knobs))
    draw = random.Random(3)
    shuffled = tuple(draw.sample(table, len(table)) for table in tables)
    assert by_key(built(rows, shuffled, knobs, partitions=7)) == whole
    some = {f"p{n:04d}" for n in range(0, 60, 5)}
    kept = tuple([row for row in table if row["person_id"] in some] for table in tables)
    assert by_key(built(rows, kept, knobs)) == {key: row for key, row in whole.items() if key[0] in some}


def test_no_data_gives_no_examples(rows, knobs):
    assert built(rows, ([], [], [], []), knobs).count() == 0
