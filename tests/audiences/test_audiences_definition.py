"""An audience file says what is wrong with it, where, and what was probably meant."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from wayprint.audiences.definition import BadAudience, check_folder, parse
from wayprint.audiences.grammar import LEAVES, Group
from wayprint.audiences.settings import AudienceSettings
from wayprint.audiences.wording import in_words
from wayprint.settings import conf_folder

CHANNELS: dict[str, str | None] = {"email": "email_marketing", "ads": "advertising", "site": None}
STATES = ("active", "loyal")
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
    assert check_folder(conf_folder() / "audiences", settings.purposes, settings.states) == []
    assert [audience.name for audience in settings.definitions if audience.is_exclusion] == ["customers_off_acquisition"]


def test_a_definition_can_be_read_aloud() -> None:
    assert parse(GOOD, "carts.yaml", CHANNELS, STATES).in_words() == (
        "Carts. Who did add_to_cart in the last 7 days; not (bought in the last 3 days). By email, a promotion, email_marketing granted.")


@pytest.mark.parametrize(("share", "said"), [("0.1", "10%"), ("0.005", "0.5%"), ("0.125", "12.5%"), ("1", "100%")])
def test_a_holdout_is_said_as_it_is(share: str, said: str) -> None:
    assert parse(f"{GOOD}holdout_share: {share}\n", "carts.yaml", CHANNELS, STATES).in_words().endswith(f", {said} held out.")


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
    ("within_days: 3", "within_days: three", ["line 10", "a whole number from 1 to 36500 is wanted and 'three' came"]),
    ("within_days: 3", "within_days: -3", ["line 10", "-3 came"]),
    ("purpose: email_marketing", "purpose: email_marketng", ["line 2", "did you mean 'email_marketing'?"]),
    ("channel: email", "channel: mail", ["line 3", "did you mean 'email'?", "allowed: email, ads, site"]),
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
    ("title: Carts", "~: Carts", ["line 1", "None is not known here"]),
    ("title: Carts", "1.5: Carts", ["line 1", "1.5 is not known here"]),
    ("title: Carts", "title: Carts\n2026-01-01: x", ["line 2", "datetime.date(2026, 1, 1) is not known here"]),
    ("within_days: 3", "yes: 3", ["line 10", "True is not known here"]),
    ("who:\n  all:", "who: &who\n  all:\n    - *who", ["line 5", "who.all[0]: this criterion holds itself"]),
    ("bought:\n          within_days: 3", "&not\n        not: *not", ["line 10", "who.all[1].not.not: this criterion holds itself"]),
    ("within_days: 3", "within_days: 1000000", ["line 10", "from 1 to 36500"]),
    ("within_days: 3", "within_months: 30000", ["line 10", "from 1 to 1200"]),
    ("within_days: 3", "at_least: 5\n          at_most: 2", ["line 9", "nothing lies between at_least: 5 and at_most: 2"]),
    ("within_days: 3", "within_days: 3\n          before_days: 3", ["line 9", "before_days leaves out all of within_days"]),
    ("within_days: 3", "within_months: 1\n          before_days: 60", ["line 9", "before_days leaves out all of within_months"]),
    ("within_days: 7}", "at_most: 0, not_followed_by: purchase}", ["line 7", "never followed nor not followed"]),
    ("title: Carts", "title: 2026-02-30", ["line 1", "not readable as YAML", "day is out of range"]),
    ("within_days: 3", "within_days: !!int three", ["line 10", "not readable as YAML", "'three'"]),
    ("within_days: 3", f"within_days: {'9' * 5000}", ["line 10", "not readable as YAML", "5000 digits"]),
    ("bought:\n          within_days: 3", "spent: {at_least: .nan}", ["line 9", "nan came"]),
    ("bought:\n          within_days: 3", "spent: {at_most: .inf}", ["line 9", "inf came"]),
    ("bought:\n          within_days: 3", "spent: {at_least: 5, at_most: 2.5}", ["line 9", "nothing lies between"]),
    ("bought:\n          within_days: 3", "score: {model: m, decile_at_most: 50}", ["line 9", "from 1 to 10"]),
    ("bought:\n          within_days: 3", "score: {model: m, decile_at_least: 4, decile_at_most: 3}", ["line 9", "nothing lies between"]),
    ("bought:\n          within_days: 3", "person: {born_from: 1990, born_to: 1980}", ["line 9", "nothing lies between"]),
])
def test_an_error_names_the_line_the_word_and_what_is_allowed(good: str, bad: str, said: list[str]) -> None:
    text = GOOD.replace(good, bad, 1)
    assert text != GOOD
    found = problems(text)
    assert any(all(word in problem for word in ["carts.yaml", *said]) for problem in found), found


@pytest.mark.parametrize(("who", "said"), [
    ("any: [A, {all: [B, C]}]", "A or (B; C)"), ("all: [{any: [A, B]}, C]", "(A or B); C"), ("all: [{any: [A]}, {all: [B]}, {not: {any: [B, C]}}]", "A; B; not (B or C)")])
def test_groups_within_groups_stand_in_brackets(who: str, said: str) -> None:
    verbs = {"A": "search", "B": "login", "C": "logout"}
    for letter, verb in verbs.items():
        who, said = (re.sub(rf"\b{letter}\b", f"{{did: {{event: {verb}}}}}" if text is who else f"did {verb}", text) for text in (who, said))
    assert in_words(parse(GOOD[:GOOD.index("who:")] + f"who: {{{who}}}", "x.yaml", CHANNELS, STATES).who) == said


@pytest.mark.parametrize(("channel", "purpose", "promotion", "is_right"), [
    ("ads", "email_marketing", "true", False), ("ads", "advertising", "true", True), ("site", "email_marketing", "true", True), ("ads", "email_marketing", "false", True)])
def test_a_promotion_rests_on_the_purpose_of_its_channel(channel: str, purpose: str, promotion: str, is_right: bool) -> None:
    text = GOOD.replace("channel: email", f"channel: {channel}").replace("purpose: email_marketing", f"purpose: {purpose}").replace("promotion: true", f"promotion: {promotion}")
    if is_right:
        assert parse(text, "carts.yaml", CHANNELS, STATES).channel == channel
    else:
        assert problems(text) == ["carts.yaml, line 2: purpose: a promotion by ads needs advertising: who grants email_marketing may have denied it"]


@pytest.mark.parametrize(("bad", "said"), [
    ("{<<: *seen, evnt: purchase}", ["line 8", "did.evnt: 'evnt' is not known here"]), ("{evnt: purchase, <<: *seen}", ["line 8", "'evnt'"]),
    ("{<<: *seen, within_days: 0}", ["line 8", "did.within_days", "0 came"]), ("{<<: {evnt: purchase}, event: search}", ["line 8", "'evnt'"])])
def test_a_wrong_word_beside_a_merge_is_named_with_its_line(bad: str, said: list[str]) -> None:
    text = GOOD[:GOOD.index("    - did")] + f"    - did: &seen {{event: add_to_cart, within_days: 7}}\n    - did: {bad}\n"
    found = problems(text)
    assert any(all(word in problem for word in said) for problem in found), found


def test_a_window_of_months_may_leave_out_its_last_days() -> None:
    assert parse(GOOD.replace("within_days: 3", "within_months: 2\n          before_days: 60"), "carts.yaml", CHANNELS, STATES)


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


def test_the_settings_name_the_line_where_they_know_the_folder(shipped: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "audiences").mkdir()
    text = GOOD.replace("event:", "evnt:")
    (tmp_path / "audiences" / "carts.yaml").write_text(text, encoding="utf-8")
    broken = {**shipped, "audiences": {"carts": yaml.safe_load(text)}}
    with pytest.raises(ValidationError, match=r"audiences/carts.yaml, line 7: who.all\[0\].did.evnt: 'evnt' is not known here"):
        AudienceSettings.model_validate(broken, context={"folder": tmp_path})


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
