"""An audience file says what is wrong with it, where, and what was probably meant."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from wayprint.audiences.definition import BadAudience, check_folder, parse
from wayprint.audiences.grammar import CHANNELS as KNOWN_CHANNELS
from wayprint.audiences.grammar import LEAVES, Group
from wayprint.audiences.settings import AudienceSettings
from wayprint.settings import conf_folder

CHANNELS, STATES = ("email", "ads"), ("active", "loyal")
GOOD = """\
title: Carts
purpose: email_marketing
channel: email
is_promotion: true
who:
  all:
    - did: {event: add_to_cart, within_days: 7}
    - not:
        bought:
          within_days: 3
"""


def problems(text: str) -> list[str]:
    with pytest.raises(BadAudience) as error:
        parse(text, "carts.yaml", CHANNELS, STATES)
    return error.value.problems


def test_the_shipped_audiences_hold_to_the_grammar(shipped: dict[str, Any]) -> None:
    settings = AudienceSettings(**shipped)
    assert {"inactive_email", "vip_cross_sell", "customers_off_acquisition", "abandoned_cart", "browsing_interest", "call_centre_priority",
            "post_purchase"} <= {audience.name for audience in settings.definitions}
    assert check_folder(conf_folder() / "audiences", tuple(settings.channels), settings.states) == []
    assert tuple(settings.channels) == KNOWN_CHANNELS
    assert [audience.name for audience in settings.definitions if audience.is_exclusion] == ["customers_off_acquisition"]


def test_a_definition_can_be_read_aloud() -> None:
    assert parse(GOOD, "carts.yaml").in_words() == (
        "Carts. Who did add_to_cart in the last 7 days; not (bought in the last 3 days). By email, a promotion, email_marketing granted.")


def test_no_shipped_audience_rests_on_opens(shipped: dict[str, Any]) -> None:
    assert "email_open" not in str(shipped["audiences"])
    assert "email_click" in problems(GOOD.replace("add_to_cart", "email_open"))[0]


def test_a_promotion_cannot_rest_on_a_legitimate_interest_nor_exclude() -> None:
    assert "promotion" in problems(GOOD.replace("email_marketing", "{legitimate_interest: we like it}"))[0]
    assert "one of the two" in problems(GOOD.replace("is_promotion: true", "is_promotion: true\nis_exclusion: true"))[0]
    assert "needs its reason" in problems(GOOD.replace("email_marketing", "legitimate_interest"))[0]


@pytest.mark.parametrize(("good", "bad", "said"), [
    ("event:", "evnt:", ["line 7", "who.all[0].did.evnt", "did you mean 'event'?", "within_days"]),
    ("add_to_cart", "add_to_card", ["line 7", "did you mean 'add_to_cart'?"]),
    ("bought:", "boght:", ["line 9", "who.all[1].not.boght", "did you mean 'bought'?"]),
    ("within_days: 3", "within_days: three", ["line 10", "a whole number of at least 1 is wanted and 'three' came"]),
    ("within_days: 3", "within_days: -3", ["line 10", "-3 came"]),
    ("purpose: email_marketing", "purpose: email_marketng", ["line 2", "did you mean 'email_marketing'?"]),
    ("channel: email", "channel: mail", ["line 3", "did you mean 'email'?", "allowed: email, ads"]),
    ("is_promotion: true", "is_promotion: maybe", ["line 4", "true or false is wanted"]),
    ("title: Carts", "titel: Carts", ["line 1", "did you mean 'title'?"]),
    ("title: Carts\n", "", ["'title' is missing"]),
    ("within_days: 3", "within_days: 3\n          within_months: 1", ["line 9", "not both"]),
    ("    - not:\n        bought:\n          within_days: 3", "    - score: {decile_at_most: 2}", ["line 8", "'model' is missing"]),
    ("    - not:\n        bought:\n          within_days: 3", "    - lifecycle: [activ]", ["line 8", "did you mean 'active'?"]),
    ("    - not:\n        bought:\n          within_days: 3", "    - person: {country: NO}", ["line 8", "False came", "quotes"]),
    ("    - not:\n        bought:\n          within_days: 3", "    - bought: {}\n      did: {event: search}", ["line 8", "put several under `all:`"]),
    ("within_days: 3", "within_days: 3\n          within_days: 4", ["line 10", "twice"]),
    ("title: Carts", "title: [Carts", ["line 2", "not readable as YAML"]),
])
def test_an_error_names_the_line_the_word_and_what_is_allowed(good: str, bad: str, said: list[str]) -> None:
    text = GOOD.replace(good, bad, 1)
    assert text != GOOD
    found = problems(text)
    assert any(all(word in problem for word in ["carts.yaml", *said]) for problem in found), found


def test_every_problem_is_told_at_once() -> None:
    assert len(problems(GOOD.replace("event:", "evnt:").replace("title:", "titel:").replace("channel: email", "channel: x"))) >= 4


def test_any_word_with_a_letter_lost_is_refused_on_its_own_line() -> None:
    draw = random.Random(5)
    lines = ["title: T", "purpose: advertising", "channel: ads", "is_promotion: false", "who:", "  all:"]
    for kind, options in LEAVES.items():
        for option in options:
            at = draw.randrange(len(option))
            wrong = option[:at] + option[at + 1:]
            if wrong in options:
                continue
            text = "\n".join([*lines, *["    - bought: {}"] * draw.randrange(4)])
            number = text.count("\n") + 2
            found = problems(f"{text}\n    - {kind}: {{{wrong}: 1}}\n")
            assert any(f"line {number}:" in problem and repr(wrong) in problem for problem in found), (wrong, found)


def test_the_settings_refuse_with_the_path_and_survive_a_dump(shipped: dict[str, Any]) -> None:
    settings = AudienceSettings(**shipped)
    assert AudienceSettings(**settings.model_dump()) == settings
    broken = {**shipped, "audiences": {"carts": yaml.safe_load(GOOD.replace("event:", "evnt:"))}}
    with pytest.raises(ValidationError, match=r"audiences/carts.yaml: who.all\[0\].did.evnt: 'evnt' is not known here; did you mean 'event'"):
        AudienceSettings(**broken)


@pytest.mark.parametrize(("change", "said"), [
    (lambda states: [*states[:-1], {"state": "suspect", "who": {"bought": {}}}], "the last has none"),
    (lambda states: [{"state": "x"}, *states], "every rule but the last"),
    (lambda states: [{"state": "x", "who": {"score": {"model": "m", "at_least": 0.5}}}, *states], "known later"),
    (lambda states: [states[0], *states], "each state stands once"),
])
def test_a_lifecycle_that_could_leave_somebody_without_a_state_is_refused(shipped: dict[str, Any], change: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        AudienceSettings(**{**shipped, "lifecycle": change(shipped["lifecycle"])})


def test_did_not_means_that_did_does_not_hold() -> None:
    did, did_not = (parse(GOOD.replace("did:", word), "x.yaml", CHANNELS, STATES).who for word in ("did:", "did_not:"))
    assert isinstance(did, Group)
    assert isinstance(did_not, Group)
    assert did_not.parts[0] == Group("not", (did.parts[0],))
