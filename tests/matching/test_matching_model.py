"""Profiles that share no identifier: spelling, scores, groups, and how often they are right on data they were not tuned on."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from duplicate_contacts import Base, Share, customer_base, f1, pairs_of
from febrl import FEBRL, FEBRL_WITHOUT_NUMBER, four, three

from wayprint.matching.groups import grouped, one_to_one
from wayprint.matching.likeness import PROFILES, spelled
from wayprint.matching.model import KEY, SIDE, _engine, probability, score
from wayprint.matching.spelling import digits, door_and_street, mailbox, plain, postal_code, town

# --- spelling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spell", "told", "meant"), [
    (plain, "  Jean-NOËL ", "jean noel"), (plain, "Lœïc O'Brien", "loeic o brien"), (plain, "Þórður Ærø", "thordur aero"), (plain, "ĐORĐE Łukasz Ødegård", "dorde lukasz odegard"), (plain, "?!", None), (plain, None, None), (plain, "", None),
    (town, "St-Étienne Cedex 2", "saint etienne"), (town, "Lyon 3e", "lyon"), (town, "SAINT ETIENNE", "saint etienne"), (town, "Le Havre", "le havre"),
    (postal_code, "6000", "06000"), (postal_code, " 75 011", "75011"), (postal_code, "sw1a 1aa", "SW1A1AA"), (postal_code, "", None),
    (digits, "+33 6 12 34 56 78", "612345678"), (digits, "06.12.34.56.78", "612345678"), (digits, "0033612345678", "612345678"), (digits, "-", None),
    (mailbox, "Jean.Dupont+shop@gmail.com", "jeandupont"), (mailbox, "@x.fr", None), (mailbox, None, None)])
def test_what_differs_in_writing_only_is_one_text(spell: Any, told: str | None, meant: str | None) -> None:
    assert spell(told) == meant


@pytest.mark.parametrize(("told", "door", "street"), [
    ("12 bis, r. Pasteur", "12bis", "rue pasteur"), ("12 bd. St-Michel", "12", "boulevard saint michel"), ("Place de l'Église", None, "place de l eglise"),
    ("8 allée des Tilleuls", "8", "allee des tilleuls"), ("8 all. des Tilleuls", "8", "allee des tilleuls"), ("14 a rue X", "14a", "rue x"),
    ("14 avenue Foch", "14", "avenue foch"), (None, None, None), ("12", "12", None)])
def test_the_house_number_stands_apart_from_the_street(told: str | None, door: str | None, street: str | None) -> None:
    assert door_and_street(told) == (door, street)


def test_a_record_is_spelled_field_by_field_and_what_is_missing_stays_missing() -> None:
    rows = spelled(pd.DataFrame({KEY: ["a", "b"], "first_name": ["Éva", None], "last_name": ["Roy", "Roy"], "birth_year": [1980.0, np.nan],
                                 "birth_date": [None, "1975-02-01"], "street": ["3 r. X", ""]}))
    assert rows.loc[0, ["full_name", "birth_year", "door", "street", "phone"]].tolist() == ["eva roy", "1980", "3", "rue x", None]
    assert rows.loc[1, ["full_name", "birth_year", "birth_date", "street"]].tolist() == [None, "1975", "1975-02-01", None]


# --- groups -----------------------------------------------------------------------------------------------------------


def by_hand(pairs: list[tuple[str, str, float]], least: float, apart: dict[str, str]) -> dict[str, str]:
    """Average linkage read from its definition, over all pairs of groups each time."""
    chance = {frozenset(pair[:2]): pair[2] for pair in pairs}
    groups = [{name} for name in sorted({name for pair in pairs for name in pair[:2]})]
    while True:
        options = []
        for one, other in itertools.combinations(groups, 2):
            held = {apart[name] for name in one | other if name in apart}
            mean = sum(chance.get(frozenset(pair), 0.0) for pair in itertools.product(one, other)) / (len(one) * len(other))
            if mean >= least and mean > 0 and len(held) < 2:
                options.append((-mean, *sorted((min(one), min(other))), one, other))
        if not options:
            return {name: min(group) for group in groups if len(group) > 1 for name in group}
        *_, one, other = min(options, key=lambda option: option[:3])
        groups = [group for group in groups if group not in (one, other)] + [one | other]


def test_groups_are_those_of_the_definition_on_two_hundred_seeded_graphs() -> None:
    joined = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        names = [f"n{number:02d}" for number in range(int(rng.integers(2, 11)))]
        # Few different values, exact in binary: many ties, and sums that no order of adding changes.
        pairs = [(a, b, float(rng.choice([0.25, 0.5, 0.75, 1.0]))) for a, b in itertools.combinations(names, 2) if rng.random() < 0.5]
        apart = {name: f"login{number}" for number, name in enumerate(names) if rng.random() < 0.3}
        least = float(rng.choice([0.25, 0.5, 0.75]))
        found = grouped(pairs, least, {name: {"login": one} for name, one in apart.items()})
        assert found == by_hand(pairs, least, apart), seed
        shuffled = [pairs[place] if rng.random() < 0.5 else (pairs[place][1], pairs[place][0], pairs[place][2]) for place in rng.permutation(len(pairs))]
        assert found == grouped(shuffled, least, {name: {"login": one} for name, one in apart.items()}), seed
        joined += len(found)
    assert joined > 500


def test_a_chain_of_likely_pairs_does_not_tie_its_ends() -> None:
    chain = [(f"n{number}", f"n{number + 1}", 0.9) for number in range(9)]
    groups = grouped(chain, 0.5)
    sizes = pd.Series(groups).value_counts()
    assert sizes.max() == 2
    assert set(groups.values()) == {"n0", "n2", "n4", "n6", "n8"}


@pytest.mark.parametrize("chance", [0.6, 0.7, 0.9, 0.95, 0.97, 0.99])
def test_a_group_whose_mean_is_the_threshold_is_one_however_large(chance: float) -> None:
    for size in range(2, 13):
        pairs = [(a, b, chance) for a, b in itertools.combinations([f"n{number:02d}" for number in range(size)], 2)]
        assert len(set(grouped(pairs, chance).values())) == 1, size
        assert grouped(pairs, chance + 1e-6) == {}


def test_two_logins_are_never_in_one_group_not_even_through_a_third() -> None:
    pairs = [("a", "b", 1.0), ("b", "c", 1.0), ("a", "c", 1.0)]
    assert grouped(pairs, 0.5) == {"a": "a", "b": "a", "c": "a"}
    assert grouped(pairs, 0.5, {"a": {"login": "one"}, "c": {"login": "two"}}) == {"a": "a", "b": "a"}
    assert grouped(pairs, 0.5, {"a": {"login": "one"}, "b": {"crm_id": "one"}, "c": {"crm_id": "two"}}) == {"a": "a", "b": "a"}
    assert grouped(pairs, 0.5, {"a": {"login": "one"}, "c": {"login": "one"}}) == {"a": "a", "b": "a", "c": "a"}


def test_one_to_one_takes_the_largest_sum_and_no_record_twice() -> None:
    pairs = pd.DataFrame([("a1", "b1", 10.0), ("a1", "b2", 9.0), ("a2", "b1", 9.0), ("a3", "b3", 1.0), ("a4", "b3", -8.0)], columns=["left", "right", "weight"])
    assert list(zip(*one_to_one(pairs, 0.0)[["left", "right"]].to_numpy().T, strict=True)) == [("a1", "b2"), ("a2", "b1"), ("a3", "b3")]
    assert len(one_to_one(pairs, 20.0)) == 0
    even = pd.DataFrame([("l0", "r0", 1.0), ("l0", "r1", 1.0), ("l0", "r2", 2.0), ("l1", "r1", 2.0), ("l1", "r2", 3.0)], columns=["left", "right", "weight"])
    assert one_to_one(even.iloc[::-1], 0.0).equals(one_to_one(even, 0.0))


def test_a_weight_between_two_points_is_a_probability_between_theirs() -> None:
    assert probability(np.array([-99.0, 0.0, 5.0, 99.0]), ((0.0, 0.1), (10.0, 0.9))).tolist() == pytest.approx([0.1, 0.1, 0.5, 0.9])


# --- collections made for this question ------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "least"), [(FEBRL, 0.997), (FEBRL_WITHOUT_NUMBER, 0.997)], ids=["all fields", "without soc_sec_id"])
def test_febrl3_duplicates_are_found(model: Any, least: float, record_property: Any) -> None:
    records, truth = three()
    begun = time.monotonic()
    pairs = score(records, model)
    chances = 1 / (1 + np.exp2(-pairs["weight"]))
    found = pairs_of(grouped(zip(pairs["left"], pairs["right"], chances, strict=True), 0.5))
    record_property("f1", f1(found, truth))
    record_property("seconds", time.monotonic() - begun)
    assert f1(found, truth) >= least


@pytest.mark.parametrize(("model", "least"), [(FEBRL, 0.9995), (FEBRL_WITHOUT_NUMBER, 0.9995)], ids=["all fields", "without soc_sec_id"])
def test_febrl4_partners_are_found(model: Any, least: float, record_property: Any) -> None:
    records, truth = four()
    pairs = one_to_one(score(records, model), -10.0)
    found = set(zip(pairs["left"], pairs["right"], strict=True))
    record_property("f1", f1(found, truth))
    assert f1(found, truth) >= least


# --- contacts ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return customer_base(tmp_path_factory.mktemp("customers"), people=1500, seed=31)


@pytest.fixture(scope="module")
def scored(base: Base) -> pd.DataFrame:
    return score(spelled(base.profiles), PROFILES)


def test_two_runs_in_any_order_give_the_same_bits(base: Base, scored: pd.DataFrame) -> None:
    again = score(spelled(base.profiles.sample(frac=1, random_state=3)), PROFILES)
    assert again["weight"].to_numpy().tobytes() == scored["weight"].to_numpy().tobytes()
    pd.testing.assert_frame_equal(again, scored)


def test_random_pairs_are_the_same_on_every_run(base: Base) -> None:
    few = replace(PROFILES, random_pairs=20_000)  # fewer than there are, so that they are drawn
    once, again = (score(spelled(base.profiles), few) for _ in range(2))
    assert again["weight"].to_numpy().tobytes() == once["weight"].to_numpy().tobytes()


def test_people_of_one_address_born_in_different_years_are_likelier_strangers(base: Base, scored: pd.DataFrame, settings: Any) -> None:
    strangers = np.array([pair not in base.truth for pair in zip(scored["left"], scored["right"], strict=True)])
    household = scored["evidence"].map(lambda told: {"same address", "other year of birth"} <= set(told)) & strangers
    assert household.sum() > 50
    assert (probability(scored.loc[household, "weight"].to_numpy(), settings.matching.calibration) < 0.5).all()


def test_the_evidence_names_no_value_and_says_nothing_of_what_is_unknown(base: Base, scored: pd.DataFrame) -> None:
    words = {level.words for c in PROFILES.comparisons for level in (*c.levels, c.otherwise)}
    assert {said for told in scored["evidence"] for said in told} <= words
    silent = set(base.profiles.loc[base.profiles["phone"].isna(), KEY])
    about_phone = scored["evidence"].map(lambda told: any("phone" in said for said in told))
    assert about_phone.any()
    assert not (about_phone & (scored["left"].isin(silent) | scored["right"].isin(silent))).any()


def groups_at(base: Base, scored: pd.DataFrame, knobs: Any, purpose: str) -> set[tuple[str, str]]:
    chances = probability(scored["weight"].to_numpy(), knobs.calibration)
    kept = [(a, b, chance) for a, b, chance in zip(scored["left"], scored["right"], chances, strict=True)
            if chance >= knobs.least_probability and not (a in base.logins and b in base.logins)]
    return pairs_of(grouped(kept, knobs.thresholds[purpose], {name: {"login": one} for name, one in base.logins.items()}))


def test_planted_duplicates_are_found_and_households_are_not_joined(base: Base, scored: pd.DataFrame, settings: Any) -> None:
    for purpose, precise, complete in (("analytics", 0.80, 0.75), ("email_marketing", 0.92, 0.60)):
        found = groups_at(base, scored, settings.matching, purpose)
        assert len(found & base.truth) / len(found) >= precise, purpose
        assert len(found & base.truth) / len(base.truth) >= complete, purpose
        assert not any(a in base.logins and b in base.logins for a, b in found)


def test_no_pairs_to_learn_from_is_no_error() -> None:
    strangers = spelled(pd.DataFrame({KEY: ["a", "b", "c"], "first_name": ["Ann", "Bob", "Cid"], "last_name": ["Roy", "Lee", "Ek"]}))
    assert len(score(strangers, PROFILES)) == 0


def test_memory_that_is_too_small_is_an_error_and_nothing_is_spilled(base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match=r"(?i)out of memory|failed to allocate"):
        score(spelled(base.profiles), PROFILES, memory="12MB")
    assert list(tmp_path.rglob("*")) == []
    with _engine(base.profiles, "1GB") as api:
        assert api.duckdb_con.sql("select current_setting('temp_directory')").fetchall() == [("",)]


def test_one_side_of_two_is_only_compared_with_the_other(base: Base) -> None:
    records = spelled(base.profiles)
    records[SIDE] = np.where(records.index % 2 == 0, "even", "odd")
    side = records.set_index(KEY)[SIDE]
    pairs = score(records, PROFILES)
    assert len(pairs) > 0
    assert set(side[pairs["left"]]) == {"even"}
    assert set(side[pairs["right"]]) == {"odd"}


@pytest.mark.faults
def test_precision_and_recall_on_worlds_that_no_threshold_has_seen(tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Calibration and thresholds come from seeds 201 to 207."""
    found: dict[str, list[tuple[int, int, int]]] = {}
    bins: dict[int, list[bool]] = {}
    for seed in range(401, 409):
        base = customer_base(tmp_path / str(seed), people=3000, seed=seed)
        pairs = score(spelled(base.profiles), PROFILES)
        for purpose in settings.matching.thresholds:
            joined = groups_at(base, pairs, settings.matching, purpose)
            found.setdefault(purpose, []).append((len(joined & base.truth), len(joined), len(base.truth)))
        for a, b, chance in zip(pairs["left"], pairs["right"], probability(pairs["weight"].to_numpy(), settings.matching.calibration), strict=True):
            if not (a in base.logins and b in base.logins):
                bins.setdefault(min(int(chance * 5), 4), []).append((a, b) in base.truth)
    for purpose, counts in found.items():
        right, joined, true = (sum(column) for column in zip(*counts, strict=True))
        precise, complete = Share(right, joined), Share(right, true)
        each = [2 * r / (j + t) for r, j, t in counts]
        draws = np.random.default_rng(7).integers(0, len(counts), (2000, len(counts)))
        table = np.array(counts)[draws].sum(axis=1)
        low, high = np.quantile(2 * table[:, 0] / (table[:, 1] + table[:, 2]), (0.025, 0.975))
        with capsys.disabled():
            print(f"\n{purpose}: precision {precise.value:.3f} {precise.interval[0]:.3f}-{precise.interval[1]:.3f}, recall {complete.value:.3f} "
                  f"{complete.interval[0]:.3f}-{complete.interval[1]:.3f}, F1 {2 * right / (joined + true):.3f} {low:.3f}-{high:.3f} ({min(each):.3f} to {max(each):.3f})", end="")
        # A wrong link in a mean of `least` probability is expected once in 1 / (1 - least).
        assert precise.interval[1] >= settings.matching.thresholds[purpose], purpose
    with capsys.disabled():
        print("\nshare true by probability:", {f"{place / 5:.1f}-{place / 5 + 0.2:.1f}": f"{np.mean(true):.3f} of {len(true)}" for place, true in sorted(bins.items())})
    strict, loose = found["email_marketing"], found["analytics"]
    assert sum(r for r, _, _ in strict) / sum(j for _, j, _ in strict) > 0.97
    assert sum(r for r, _, _ in loose) / sum(t for _, _, t in loose) > 0.85
