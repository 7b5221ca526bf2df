"""How probably two devices that share an address belong to one person, or to one home: an additive score of log-odds.

Each chance is logistic: a constant and, for each piece of evidence, its weight times its size (Good, Probability and the
Weighing of Evidence, 1950). One person's devices are in one home, so a person is judged given the home:
P(person) = P(home) * P(person | home). The weights stand in the settings; nothing here knows Spark.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Weights = Mapping[str, float]

APP, DESKTOP, MOBILE, TABLET, UNKNOWN = "app", "desktop", "mobile", "tablet", "unknown"
HOME = ("constant", "least_days", "least_stay", "other_stay", "night_share", "devices")
PERSON = ("constant", "desktop_and_mobile", "with_app", "with_tablet", "same_kind", "successor", "rivals", "interest", "one_account", "persons")
# What is known of a pair before it is judged, as `devices.pairs_of` gathers it.
KNOWN = ("identifier_id", "identifier_type", "other_id", "other_type", "kind", "other_kind", "nights", "together", "night_stays", "days", "other_days",
         "all_days", "other_all_days", "addresses", "devices", "persons", "rivals", "successor", "interest", "interest_seen", "accounts", "never_one")
_WORDS = {APP: "an app", DESKTOP: "a computer", MOBILE: "a telephone", TABLET: "a tablet", UNKNOWN: "a browser of unknown kind"}


def evidence_of_home(pairs: pd.DataFrame) -> pd.DataFrame:
    """A column per name of HOME, from what is known of the pairs.

    `least_days`: log2 of the days of the one that was less at the addresses they share. `least_stay`, `other_stay`: natural logarithm of days
    there over days elsewhere, half a day added to both, of the one that is less and the one that is more at home there: a guest is elsewhere
    mostly. `night_share`: days with a night there, of all their days there. `devices`: log2 of the devices on the rarest of the addresses.
    """
    here = np.stack([pairs["days"].to_numpy(float), pairs["other_days"].to_numpy(float)])
    elsewhere = np.stack([pairs["all_days"].to_numpy(float), pairs["other_all_days"].to_numpy(float)]) - here
    stays = np.log((here + 0.5) / (elsewhere + 0.5))
    return pd.DataFrame({
        "constant": np.ones(len(pairs)), "least_days": np.log2(here.min(axis=0)), "least_stay": stays.min(axis=0), "other_stay": stays.max(axis=0),
        "night_share": pairs["night_stays"].to_numpy(float) / here.sum(axis=0), "devices": np.log2(pairs["devices"].to_numpy(float))}, columns=list(HOME))


def evidence_of_person(pairs: pd.DataFrame) -> pd.DataFrame:
    """A column per name of PERSON, given that the two are in one home; 1 and 0 for yes and no.

    `interest`: cosine of the families of products looked at, less a half, times n / (n + 1) where the one that looked at fewer looked at n;
    0 where one looked at none. `one_account`: exactly one of the two is a person's with an account. `persons`: log2 of those on the address.
    """
    kinds = [frozenset(two) for two in zip(pairs["kind"], pairs["other_kind"], strict=True)]
    interest, seen = pairs["interest"].to_numpy(float), pairs["interest_seen"].to_numpy(float)
    told = {
        "constant": np.ones(len(pairs)), "desktop_and_mobile": [two == {DESKTOP, MOBILE} for two in kinds],
        "with_app": [APP in two and len(two) > 1 for two in kinds], "with_tablet": [TABLET in two for two in kinds],
        "same_kind": [len(two) == 1 for two in kinds], "successor": pairs["successor"], "rivals": pairs["rivals"],
        "interest": np.where(np.isnan(interest), 0.0, (interest - 0.5) * seen / (seen + 1)), "one_account": pairs["accounts"] == 1,
        "persons": np.log2(pairs["persons"].to_numpy(float))}
    return pd.DataFrame({name: np.asarray(told[name], dtype=float) for name in PERSON})


def chance(evidence: pd.DataFrame, weights: Weights) -> Floats:
    """The logistic of the weighed evidence, summed in the order of the columns."""
    odds = np.zeros(len(evidence))
    for name in evidence.columns:
        odds += evidence[name].to_numpy(float) * weights[name]
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -40, 40))))


def judged(pairs: pd.DataFrame, home: Weights, person: Weights) -> pd.DataFrame:
    """The pairs with `probability_person` and `probability_home`, to four decimals (the last bits are no knowledge), and `evidence`.

    Who are `never_one` (two accounts, or a device that several share) have a probability_person of 0 and may be a home.
    """
    at_home = chance(evidence_of_home(pairs), home)
    one = np.where(pairs["never_one"].to_numpy(bool), 0.0, at_home * chance(evidence_of_person(pairs), person))
    return pairs.assign(probability_person=np.round(one, 4), probability_home=np.round(at_home, 4), evidence=in_words(pairs))


def in_words(pairs: pd.DataFrame) -> list[str]:
    """One sentence a pair: where and when both were, what they are, what they looked at, and what speaks against one person."""
    return [_sentence(row) for row in pairs[list(KNOWN)].itertuples(index=False)]


def _sentence(row: tuple[object, ...]) -> str:
    told = dict(zip(KNOWN, row, strict=True))
    number = {name: int(str(told[name])) for name in ("nights", "together", "days", "other_days", "all_days", "other_all_days", "addresses", "devices", "persons")}
    where = "an address" if number["addresses"] == 1 else f"{number['addresses']} addresses, the rarest one"
    kind, other = str(told["kind"]), str(told["other_kind"])
    parts = [
        f"{_WORDS.get(kind, kind)} and {_WORDS.get(other, other)} on {where} of {number['devices']} devices and {_many(number['persons'], 'person')}",
        f"there on {number['days']} of {_many(number['all_days'], 'day')} and {number['other_days']} of {_many(number['other_all_days'], 'day')}, "
        f"together on {_many(number['together'], 'day')} and {_many(number['nights'], 'night')}"]
    interest = float(str(told["interest"]))
    if not np.isnan(interest):
        parts.append(f"likeness of the products looked at {interest:.2f}")
    if told["successor"]:
        parts.append("the same browser, the one gone before the other came")
    if told["rivals"]:
        parts.append("against one person: devices of one kind used in the same weeks")
    if told["never_one"]:
        parts.append("not one person: two accounts" if int(str(told["accounts"])) == 2 else "not one person: several share the device")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
