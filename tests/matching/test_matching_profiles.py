"""The step that links profiles: from sealed values to pairs and groups, whatever the partitions, with nothing in clear left behind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from duplicate_contacts import Base, customer_base, pairs_of

from wayprint.contracts import BadConfiguration, conform
from wayprint.matching.groups import grouped
from wayprint.matching.likeness import CLEAR, PROFILES, spelled
from wayprint.matching.model import KEY, probability, score
from wayprint.matching.profiles import link_profiles, seal_profiles
from wayprint.pipeline import match_profiles
from wayprint.sources.keys import Keys
from wayprint.tables.bronze import VAULT
from wayprint.tables.events import CONTACTS
from wayprint.tables.identity import IDENTITY_MAP
from wayprint.tables.matching import PROFILE_GROUPS, PROFILE_PAIRS

pytestmark = pytest.mark.spark
OLD, NEW = dt.datetime(2026, 1, 1), dt.datetime(2026, 2, 1)


def unseal(sealed: bytes) -> bytes:
    return sealed[::-1]


def sealed(text: str) -> bytearray:
    return bytearray(text.encode()[::-1])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return customer_base(tmp_path_factory.mktemp("customers"), people=700, seed=32)


@pytest.fixture
def knobs(settings: Any) -> Any:
    return settings.matching.model_copy(update={"enabled": True, "min_profiles": 50})


@pytest.fixture
def lake(rows: Callable[..., Any], base: Base) -> tuple[Any, Any, Any]:
    """The customer base as contacts, vault and identity_map: person p-<id> has CRM record <id>, some a login."""
    contacts, vault, owned = [], [], []
    keys = Keys.from_environment()
    for one in base.profiles.astype(object).where(base.profiles.notna(), None).to_dict("records"):
        subject, person = one[KEY], f"p-{one[KEY]}"
        owned.append({"identifier_id": subject, "identifier_type": "crm_id", "person_id": person, "status": "owned"})
        if subject in base.logins:
            owned.append({"identifier_id": f"login-{subject}", "identifier_type": "login", "person_id": person, "status": "owned"})
        contacts.append({"contact_id": subject, "identifier_id": subject, "updated_at": NEW, "gender": one["gender"].lower(),
                         "birth_year": int(one["birth_year"]) if one["birth_year"] else None})
        vault += [{"file_id": "f", "subject_id": subject, "field": field, "seen_at": NEW, "sealed": bytearray(keys.seal(one[field].encode()))}
                  for field in CLEAR if one[field]]
    return rows(CONTACTS, *contacts), rows(VAULT, *vault), rows(IDENTITY_MAP, *owned)


def expected(base: Base, knobs: Any) -> tuple[dict[tuple[str, str], float], dict[str, set[tuple[str, str]]]]:
    """The same without Spark: probability by pair of persons, and the pairs of one group by purpose."""
    people = base.profiles.assign(**{KEY: "p-" + base.profiles[KEY]})
    pairs = score(spelled(people), PROFILES)
    chances = probability(pairs["weight"].to_numpy(), knobs.calibration).round(4)
    logins = {f"p-{profile}": {"login": login} for profile, login in base.logins.items()}
    found = {(a, b): float(chance) for a, b, chance in zip(pairs["left"], pairs["right"], chances, strict=True)
             if chance >= knobs.least_probability and not (a in logins and b in logins)}
    links = [(*pair, chance) for pair, chance in found.items()]
    return found, {purpose: pairs_of(grouped(links, least, logins)) for purpose, least in knobs.thresholds.items()}


def test_the_step_gives_what_pandas_gives_whatever_the_partitions(lake: tuple[Any, Any, Any], base: Base, knobs: Any) -> None:
    contacts, vault, identity_map = lake
    pairs, groups = match_profiles(contacts.repartition(3), vault.repartition(5, "field"), identity_map, knobs)
    found = conform(pairs, PROFILE_PAIRS).collect()
    chances, together = expected(base, knobs)
    assert {(row.person_id, row.other_person_id): row.probability for row in found} == chances
    by_purpose: dict[str, dict[str, str]] = {}
    for row in conform(groups, PROFILE_GROUPS).collect():
        by_purpose.setdefault(row.purpose, {})[row.person_id] = row.group_id
    assert {purpose: pairs_of(named) for purpose, named in by_purpose.items()} == together
    assert all(group == min(p for p, g in named.items() if g == group) for named in by_purpose.values() for group in named.values())
    truth = {(f"p-{a}", f"p-{b}") for a, b in base.truth}
    assert len(together["analytics"] & truth) > 10
    assert all(row.evidence for row in found)
    plans = "".join(str(frame._jdf.queryExecution()) for frame in (pairs, groups))
    assert "11" * 32 not in plans
    names = {value.lower() for value in base.profiles["last_name"].dropna() if len(value) > 4}
    assert not any(name in str(found).lower() + plans.lower() for name in names)


def test_off_gives_two_empty_tables_and_opens_nothing(lake: tuple[Any, Any, Any], settings: Any) -> None:
    def refuse(value: bytes) -> bytes:
        raise AssertionError("opened")

    assert not settings.matching.enabled
    pairs, groups = link_profiles(*lake, settings.matching, refuse)
    assert conform(pairs, PROFILE_PAIRS).count() + conform(groups, PROFILE_GROUPS).count() == 0


def test_too_few_teach_nothing_and_too_many_are_an_error_that_says_what_to_do(lake: tuple[Any, Any, Any], knobs: Any) -> None:
    pairs, groups = match_profiles(*lake, knobs.model_copy(update={"min_profiles": 100_000}))
    assert conform(pairs, PROFILE_PAIRS).count() + conform(groups, PROFILE_GROUPS).count() == 0
    with pytest.raises(BadConfiguration, match=r"max_profiles is 60 .* raise it"):
        match_profiles(*lake, knobs.model_copy(update={"max_profiles": 60}))


def test_the_spark_backend_is_refused_where_disks_would_hold_names_in_clear(lake: tuple[Any, Any, Any], knobs: Any) -> None:
    with pytest.raises(BadConfiguration, match=r"spark\.io\.encryption\.enabled"):
        match_profiles(*lake, knobs.model_copy(update={"backend": "spark"}))


def test_a_profile_has_the_latest_value_of_each_field_of_a_living_contact(rows: Callable[..., Any]) -> None:
    contacts = rows(
        CONTACTS, {"contact_id": "1", "identifier_id": "i1", "updated_at": OLD, "birth_year": 1980, "gender": "f"},
        {"contact_id": "2", "identifier_id": "i2", "updated_at": NEW, "gender": "m"},
        {"contact_id": "3", "identifier_id": "gone", "is_deleted": True}, {"contact_id": "4", "identifier_id": "nameless"})
    vault = rows(VAULT, *[{"file_id": "f", "subject_id": subject, "field": field, "seen_at": at, "sealed": sealed(text)} for subject, field, at, text in (
        ("i1", "last_name", OLD, "old"), ("i2", "last_name", NEW, "new"), ("i1", "city", OLD, "Lyon"), ("i1", "country", OLD, "FR"),
        ("i1", "street", NEW, "tie a"), ("i2", "street", NEW, "tie b"), ("gone", "last_name", NEW, "x"), ("nameless", "city", NEW, "x"),
        ("stranger", "last_name", NEW, "x"))])
    owned = [("i1", "crm_id", "ann"), ("i2", "crm_id", "ann"), ("l", "login", "ann"), ("gone", "crm_id", "bob"), ("nameless", "crm_id", "cid")]
    identity_map = rows(IDENTITY_MAP, *[{"identifier_id": i, "identifier_type": kind, "person_id": p, "status": "owned"} for i, kind, p in owned],
                        {"identifier_id": "stranger", "identifier_type": "phone", "person_id": None, "status": "shared"})
    found = seal_profiles(contacts, vault, identity_map, ("login",)).collect()
    assert [(row.person_id, [tuple(one) for one in row.uniques], row.birth_year, row.gender) for row in found] == [("ann", [("login", "l")], 1980, "m")]
    assert {value.field: unseal(bytes(value.bytes)).decode() for value in found[0].sealed} == {"last_name": "new", "city": "Lyon", "street": "tie b"}


def test_settings_that_cannot_work_are_refused(settings: Any) -> None:
    for change, said in (({"thresholds": {"email": 0.9}}, "unknown purpose"), ({"thresholds": {"analytics": 0.1}}, "thresholds.analytics"),
                         ({"calibration": ((1, 0.5), (0, 0.6))}, "calibration"), ({"calibration": ((0, 0.6), (1, 0.5))}, "calibration")):
        with pytest.raises(ValueError, match=said):
            settings.replace("matching", **change)
