"""Simulated worlds as the step meets them, the step's gathering once more in plain Python, and how its weights are fitted and scored.

    python tests/matching/device_worlds.py        fits on the worlds FITTED, scores on SCORED, prints weights and figures

The events and the identity are taken from a world without its files: what the vendors' lines say of web and app visits, and the
identifiers that records tie, so that a world costs seconds. Who is whose is the world's truth.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from wayprint.matching.closeness import HOME, KNOWN, PERSON, chance, evidence_of_home, evidence_of_person
from wayprint.sources.identifiers import network
from wayprint.world import raw
from wayprint.world.planted import JUNK
from wayprint.world.rows import stacked
from wayprint.world.scene import stage

FITTED, SCORED = range(501, 509), range(511, 515)
PEOPLE, DAYS, START = 1200, 100, dt.date(2026, 1, 1)
DEVICE_TYPES = {"web_cookie", "app_device", "maid", "ga_client", "adobe_visitor"}
EPOCH = dt.date(1970, 1, 1)


@dataclass
class World:
    """`events` with the columns that the step reads, `identity` per device (type, person, status, has_account), `truth` per device (persons, home)."""

    events: pd.DataFrame
    identity: pd.DataFrame
    truth: pd.DataFrame


def lived(seed: int, people: int = PEOPLE, days: int = DAYS) -> World:
    scene = stage(people, days, seed, START)
    _, notes = raw.deliver(scene, None)
    visits, devices, population = scene.traffic.visits, scene.population.devices, scene.population
    actions = scene.actions[scene.of_platform("web") | scene.of_platform("app")]
    of, product = actions["visit"].to_numpy(), actions["product"].to_numpy()
    used, usages = visits["device"].to_numpy()[of], scene.care.usages
    installed = population.of("app_device", usages["person"].to_numpy())
    device = np.concatenate([used, installed])
    details = devices.iloc[device]
    is_app = (details["kind"] == "app").to_numpy()
    day = np.concatenate([visits["day"].to_numpy()[of], np.zeros(len(usages), int)])
    cookie = np.where(day >= details["clears_on"].to_numpy(), details["next_cookie"], details["cookie"])
    address = np.concatenate([scene.networks.visits[of], scene.networks.usages])
    networks = {one: network(one) for one in set(address)}
    family = np.where(product >= 0, scene.goods.family_name[np.maximum(product, 0)], None)
    events = pd.DataFrame({
        "origin_id": np.where(is_app, details["app_id"], cookie), "type": np.where(is_app, "app_device", "web_cookie"),
        "happened_at": pd.to_datetime(np.concatenate([actions["t"].to_numpy(), usages["t"].to_numpy()]), unit="ms", utc=True),
        "network_id": [networks[one] for one in address], "platform": np.where(is_app, "app", "web"),
        "device_type": details["kind"].map({"phone": "mobile", "app": "mobile", "desktop": "desktop", "tablet": "tablet"}).to_numpy(),
        "user_agent": details["agent"].to_numpy(), "family": np.concatenate([family, np.full(len(usages), None)]),
        "true_person": np.concatenate([visits["person"].to_numpy()[of], usages["person"].to_numpy()])})
    truth = pd.DataFrame({"persons": events.groupby("origin_id")["true_person"].agg(frozenset)})
    truth["home"] = [int(population.of("household", np.array([min(one)]))[0]) for one in truth["persons"]]
    return World(events, identified(stacked(notes.tied), events), truth)


def identified(ties: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Persons as the deterministic tier finds them: what records tie together, less devices with two accounts."""
    ties = ties.drop_duplicates()
    ties = ties[~ties["value"].isin(JUNK) & ~ties["other"].isin(JUNK)]
    ends = [ties[["type", "value", "other_type", "other"]].set_axis(["type", "id", "other_type", "other"], axis=1)]
    ends += [ties[["other_type", "other", "type", "value"]].set_axis(["type", "id", "other_type", "other"], axis=1)]
    logins = pd.concat(ends).query("other_type == 'login'").drop_duplicates()
    several = logins[logins["type"].isin(DEVICE_TYPES)].groupby("id")["other"].nunique()
    shared = set(several[several > 1].index)
    kept = ties[~ties["value"].isin(shared) & ~ties["other"].isin(shared)]
    nodes = pd.Index(sorted({*kept["value"], *kept["other"], *events["origin_id"]}))
    links = (nodes.get_indexer(kept["value"]), nodes.get_indexer(kept["other"]))
    person = pd.Series(connected_components(coo_array((np.ones(len(kept)), links), shape=(len(nodes),) * 2), directed=False)[1], index=nodes)
    with_account = set(person[nodes.isin(set(logins["other"]))])
    found = events.drop_duplicates("origin_id").set_index("origin_id")[["type"]].copy()
    whose = person.reindex(found.index)
    found["has_account"] = whose.isin(with_account) & ~found.index.isin(shared)
    found["person_id"] = [None if one in shared else f"person-{number:08d}" for one, number in zip(found.index, whose, strict=True)]
    found["status"] = np.where(found["person_id"].isna(), "shared", "owned")
    return found


def gathered(world: World, knobs: Any) -> pd.DataFrame:
    """The columns of KNOWN, pair by pair, with dictionaries and loops: another way to what `devices.pairs_of` does."""
    begins, ends = knobs.devices_night
    zone = ZoneInfo(knobs.devices_zone)
    days: dict[tuple[str, int], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    nights: dict[tuple[str, int], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    all_days, kinds, agents = defaultdict(set), defaultdict(set), defaultdict(set)
    times: dict[str, list[dt.datetime]] = defaultdict(list)
    looked: dict[str, Counter[str]] = defaultdict(Counter)
    columns = ["origin_id", "network_id", "happened_at", "platform", "device_type", "user_agent", "family"]
    known = world.identity[world.identity["status"] != "blocked"]
    person, types = known["person_id"].to_dict(), known["type"].to_dict()
    for device, address, at, platform, kind, agent, family in world.events[columns].astype(object).itertuples(index=False):
        if address is None or pd.isna(address) or device not in types or types[device] not in DEVICE_TYPES or platform not in ("web", "app"):
            continue
        local = at.astimezone(zone).replace(tzinfo=None)
        day = ((local - dt.timedelta(hours=ends)).date() - EPOCH).days
        place = (address, day // knobs.devices_window_days)
        days[place][device].add(day)
        if local.hour >= begins or local.hour < ends:
            nights[place][device].add(day)
        all_days[device].add(day)
        times[device].append(at)
        kinds[device].update(["app"] if platform == "app" else [kind] if kind else [])
        agents[device].update([agent] if agent else [])
        looked[device].update([family] if family else [])
    holder = {device: person[device] or device for device in times}
    kind_of = {device: max(kinds[device], default="unknown") for device in times}
    fleet = defaultdict(list)
    for device, owner in holder.items():
        fleet[owner].append(device)

    def rival(one: str, other: str) -> bool:
        return types[one] == types[other] and kind_of[one] == kind_of[other] and min(times[one]) <= max(times[other]) and min(times[other]) <= max(times[one])

    met = defaultdict(list)
    for place, guests in days.items():
        if 2 <= len(guests) <= knobs.devices_most and nights[place]:
            for one in guests:
                for other in guests:
                    if one < other and holder[one] != holder[other] and (nights[place][one] or nights[place][other]):
                        met[one, other].append(place)
    found = []
    for (one, other), places in met.items():
        at = [set().union(*(days[place][device] for place in places)) for device in (one, other)]
        dark = [set().union(*(nights[place][device] for place in places)) for device in (one, other)]
        rarest = min((len(days[place]), len({holder[device] for device in days[place]})) for place in places)
        together = set().union(*(days[place][one] & days[place][other] for place in places))
        both_nights = set().union(*(nights[place][one] & nights[place][other] for place in places))
        owners = [fleet[holder[side]] for side in (one, other)]
        account = [any(known["has_account"][device] for device in owned) for owned in owners]
        apart = max(times[one]) < min(times[other]) or max(times[other]) < min(times[one])
        sums = [looked[side].total() for side in (one, other)]
        found.append((
            one, types[one], other, types[other], kind_of[one], kind_of[other], len(both_nights), len(together), len(dark[0]) + len(dark[1]), len(at[0]), len(at[1]),
            len(all_days[one]), len(all_days[other]), len({address for address, _ in places}), *rarest,
            any(rival(a, b) for a in owners[0] for b in owners[1]),
            apart and types[one] == types[other] and kind_of[one] == kind_of[other] and bool(agents[one] & agents[other]),
            cosine(looked[one], looked[other]), min(sums) if min(sums) else np.nan, sum(account), all(account) or person[one] is None or person[other] is None))
    return pd.DataFrame(found, columns=list(KNOWN)).sort_values(["identifier_id", "other_id"], ignore_index=True)


def cosine(one: Counter[str], other: Counter[str]) -> float:
    norms = [sum(count * count for count in side.values()) for side in (one, other)]
    return sum(count * other[family] for family, count in one.items()) / (norms[0] * norms[1]) ** 0.5 if all(norms) else np.nan


def labelled(world: World, pairs: pd.DataFrame) -> pd.DataFrame:
    one, other = (world.truth.loc[pairs[name]] for name in ("identifier_id", "other_id"))
    same = [a == b and len(a) == 1 for a, b in zip(one["persons"], other["persons"], strict=True)]
    return pairs.assign(is_person=same, is_home=one["home"].to_numpy() == other["home"].to_numpy())


def to_find(world: World) -> tuple[int, int]:
    """Pairs of devices seen on the web or in the app that are one person's, or one home's, and that the deterministic tier does not tie."""
    both = world.truth.join(world.identity).reset_index()
    pairs = both.merge(both, on="home").query("origin_id_x < origin_id_y")
    pairs = pairs[pairs["person_id_x"].isna() | pairs["person_id_y"].isna() | (pairs["person_id_x"] != pairs["person_id_y"])]
    same = sum(a == b and len(a) == 1 for a, b in zip(pairs["persons_x"], pairs["persons_y"], strict=True))
    return same, len(pairs)


def weights(evidence: pd.DataFrame, truth: Iterable[bool]) -> dict[str, float]:
    """Logistic regression with scikit-learn's usual penalty, which only keeps weights without a counterexample finite."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(fit_intercept=False, max_iter=5_000).fit(evidence, np.asarray(list(truth), bool))
    return {name: round(float(weight), 2) for name, weight in zip(evidence.columns, fitted.coef_[0], strict=True)}


def fitted(pairs: pd.DataFrame) -> dict[str, dict[str, float]]:
    may = pairs[pairs["is_home"] & ~pairs["never_one"]]
    return {"home": weights(evidence_of_home(pairs), pairs["is_home"]), "person": weights(evidence_of_person(may), may["is_person"])}


def calibration_error(chances: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over bins of equal numbers of pairs (Naeini, Cooper, Hauskrecht, AAAI 2015)."""
    parts = np.array_split(np.argsort(chances, kind="stable"), bins)
    return float(sum(len(part) * abs(chances[part].mean() - truth[part].mean()) for part in parts if len(part)) / len(chances))


def interval(measure: Any, chances: np.ndarray, truth: np.ndarray, homes: np.ndarray, draws: int = 400) -> tuple[float, float]:
    """95 % of what resampling whole homes gives: pairs of one home are no independent cases."""
    rng = np.random.default_rng(1)
    names, member = np.unique(homes, return_inverse=True)
    rows = [np.flatnonzero(member == number) for number in range(len(names))]
    found = []
    for _ in range(draws):
        picked = np.concatenate([rows[n] for n in rng.integers(0, len(names), len(names))])
        found.append(measure(chances[picked], truth[picked]))
    low, high = np.nanquantile(found, (0.025, 0.975))
    return float(low), float(high)


def naive(world: World) -> tuple[int, int, int]:
    """Same address at any time, whoever else uses it: pairs, of which one person's, of which one home's."""
    at = world.events.dropna(subset="network_id").groupby("network_id")["origin_id"].agg(lambda devices: sorted(set(devices)))
    pairs = {(one, other) for devices in at for place, one in enumerate(devices) for other in devices[place + 1:]}
    person = world.identity["person_id"].to_dict()
    pairs = {(one, other) for one, other in pairs if person[one] is None or person[one] != person[other]}
    frame = labelled(world, pd.DataFrame(sorted(pairs), columns=["identifier_id", "other_id"]))
    return len(frame), int(frame["is_person"].sum()), int(frame["is_home"].sum())


def main() -> None:
    from wayprint.pipeline import SECTIONS
    from wayprint.settings import load

    knobs = load(SECTIONS, env="test").matching
    learned = pd.concat([labelled(world, gathered(world, knobs)) for world in map(lived, FITTED)], ignore_index=True)
    found = fitted(learned)
    print(f"fitted on {len(learned)} pairs of the worlds {FITTED.start} to {FITTED.stop - 1}")
    for model, told in found.items():
        print(f"  {model}: {{{', '.join(f'{name}: {weight}' for name, weight in told.items())}}}")
        print(f"    as in the settings: {told == knobs.devices_weights[model]}")
    worlds = [lived(seed) for seed in SCORED]
    pairs = pd.concat([labelled(world, gathered(world, knobs)).assign(world=seed) for seed, world in zip(SCORED, worlds, strict=True)], ignore_index=True)
    truths = np.array([to_find(world) for world in worlds]).sum(axis=0)
    alike = np.array([naive(world) for world in worlds]).sum(axis=0)
    home = chance(evidence_of_home(pairs), knobs.devices_weights["home"])
    person = np.where(pairs["never_one"], 0.0, home * chance(evidence_of_person(pairs), knobs.devices_weights["person"]))
    homes = pd.concat([world.truth["home"].astype(str) + f"/{seed}" for seed, world in zip(SCORED, worlds, strict=True)])
    cluster = homes[~homes.index.duplicated()].loc[pairs["identifier_id"]].to_numpy()
    print(f"scored on {len(pairs)} pairs of the worlds {SCORED.start} to {SCORED.stop - 1}; to find: {truths[0]} of one person, {truths[1]} of one home")
    for place, (name, chances, truth) in enumerate((("person", person, pairs["is_person"].to_numpy()), ("home", home, pairs["is_home"].to_numpy()))):
        ece = calibration_error(chances, truth)
        low, high = interval(calibration_error, chances, truth, cluster)
        print(f"  {name}: expected calibration error {ece:.3f} [{low:.3f}, {high:.3f}]; mean chance {chances.mean():.3f}, true {truth.mean():.3f}")
        for least in (0.1, 0.3, 0.5, 0.7, 0.8, 0.9):
            kept = chances >= least
            if kept.any():
                low, high = interval(lambda c, t, least=least: t[c >= least].mean() if (c >= least).any() else np.nan, chances, truth, cluster)
                print(f"    from {least}: {kept.sum()} pairs, precision {truth[kept].mean():.3f} [{low:.3f}, {high:.3f}], recall of the candidates {truth[kept].sum() / truth.sum():.3f}, "
                      f"of all {truth[kept].sum() / truths[place]:.3f}")
        print(f"    same address, any time: {alike[0]} pairs, precision {alike[1 + place] / alike[0]:.4f}, recall of all {alike[1 + place] / truths[place]:.3f}")
        rare = truth.mean()
        print(f"    same rare address, nothing weighed: {len(pairs)} pairs, precision {rare:.3f}, recall of all {truth.sum() / truths[place]:.3f}")
    assert tuple(found["home"]) == HOME
    assert tuple(found["person"]) == PERSON


if __name__ == "__main__":
    main()
