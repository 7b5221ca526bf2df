"""Settings: every knob stands in base.yaml with its reason, unknown words are answered, marked knobs change the fingerprint."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from wayprint.catalogue import WITHOUT_STEP
from wayprint.contracts import BadConfiguration
from wayprint.pipeline import SECTIONS, STEPS, compose
from wayprint.settings import conf_folder, load
from wayprint.sources.keys import Keys

BASE = yaml.safe_load(Path(str(conf_folder() / "base.yaml")).read_text(encoding="utf-8"))


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_every_knob_has_a_value_and_a_reason_in_base_yaml(section):
    knobs = BASE[section] or {}
    assert set(knobs) == set(SECTIONS[section].model_fields)
    assert [name for name, knob in knobs.items() if not knob.get("why")] == []


@pytest.mark.parametrize("env", ["dev", "test", "prod"])
def test_every_environment_loads(env):
    assert load(SECTIONS, env).env == env


def test_an_environment_variable_outweighs_the_files():
    settings = load(SECTIONS, environ={"WAYPRINT_JOURNEYS__JOURNEY_GAP_DAYS": "12"})
    assert settings.journeys.journey_gap_days == 12


def test_a_variable_of_an_unknown_section_is_answered_with_the_nearest():
    with pytest.raises(BadConfiguration, match="WAYPRINT_IDENTIY__ENGINE: unknown section 'identiy'; did you mean 'identity'"):
        load(SECTIONS, environ={"WAYPRINT_IDENTIY__ENGINE": "graphframes"})


@pytest.mark.parametrize(("variable", "value", "told"), [
    ("WAYPRINT_JOURNEYS__ORDER_SOURCES", "[shopify_order]", "journeys.order_sources names 'shopify_order'; did you mean 'shopify_orders'"),
    ("WAYPRINT_REPORT__HEADLINE_MODEL", "shaply", "report.headline_model names 'shaply'; did you mean 'shapley'")])
def test_what_one_domain_names_of_another_is_there(variable, value, told):
    keys = Keys(b"h" * 32, b"v" * 32)
    compose(load(SECTIONS, environ={"WAYPRINT_JOURNEYS__ORDER_SOURCES": "[shopify_orders]"}), keys)
    with pytest.raises(BadConfiguration, match=told):
        compose(load(SECTIONS, environ={variable: value}), keys)


@pytest.mark.parametrize(("who", "told"), [
    ("{score: {model: purchase_30, decile_at_most: 2}}", "score.model names 'purchase_30'; did you mean 'purchase_30d'"),
    ("{not: {score: {model: Purchase_30d, decile_at_most: 2}}}", "score.model names 'Purchase_30d'; did you mean 'purchase_30d'"),
    ("{all: [{did: {event: search, stage: [need, serch]}}]}", "did.stage names 'serch'; did you mean 'search'"),
    ("{bought: {channel: Emial}}", "bought.channel names 'Emial'; did you mean 'Email'"),
    ("{did: {event: search, stage: Search, channel: email}}", None)])
def test_a_model_a_stage_or_a_channel_that_an_audience_names_is_there(tmp_path, who, told):
    keys, file = Keys(b"h" * 32, b"v" * 32), tmp_path / "conf" / "audiences" / "abandoned_cart.yaml"
    shutil.copytree(str(conf_folder()), tmp_path / "conf")
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text[:text.index('who:')]}who: {who}\n", encoding="utf-8")
    settings = load(SECTIONS, folder=tmp_path / "conf", environ={})
    if told:
        with pytest.raises(BadConfiguration, match=rf"audiences/abandoned_cart\.yaml: {told}"):
            compose(settings, keys)
    else:
        compose(settings, keys)


def test_another_horizon_is_another_model_which_audiences_must_ask_for():
    with pytest.raises(BadConfiguration, match=r"audiences/call_centre_priority\.yaml: score\.model names 'purchase_30d'; did you mean 'purchase_60d'"):
        compose(load(SECTIONS, environ={"WAYPRINT_PROPENSITY__HORIZON_DAYS": "60"}), Keys(b"h" * 32, b"v" * 32))


def test_the_states_of_the_lifecycle_are_asked_too():
    settings = load(SECTIONS, environ={})
    rule = {"state": "new", "who": {"bought": {"channel": "Shop"}}}
    with pytest.raises(BadConfiguration, match=r"lifecycle\.yaml: bought\.channel names 'Shop'"):
        compose(settings.replace("audiences", lifecycle=[rule, *settings.audiences.lifecycle]), Keys(b"h" * 32, b"v" * 32))


def test_only_marked_knobs_change_the_fingerprint():
    settings = load(SECTIONS, environ={})
    kind = SECTIONS["identity"]
    assert settings.replace("identity", max_local_edges=77).fingerprint(kind) == settings.fingerprint(kind)
    assert settings.replace("identity", shared_device_uniques=3).fingerprint(kind) != settings.fingerprint(kind)


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(Exception, match="frozen"):
        load(SECTIONS, environ={}).journeys.journey_gap_days = 3


def test_a_missing_environment_file_is_named():
    with pytest.raises(BadConfiguration, match=r"no staging\.yaml"):
        load(SECTIONS, "staging")


@pytest.mark.parametrize(("file", "text", "told"), [
    ("test.yaml", "spark:\n  threads: 2\n  threads: 3\n", "key 'threads' stands here twice"),
    ("test.yaml", "spark:\n\tthreads: 2\n", "not readable as YAML"),
    ("test.yaml", "spark: \xff\n", "not readable as YAML"),
    ("test.yaml", "spark:\n  threads: 2026-02-30\n", r"(?s:not readable as YAML.*day is out of range.*line 2)"),
    ("test.yaml", "spark:\n  threads: !!int two\n", r"(?s:not readable as YAML.*'two'.*line 2)"),
    ("test.yaml", f"spark:\n  threads: {'9' * 5000}\n", r"(?s:not readable as YAML.*5000 digits.*line 2)"),
    ("test.yaml", "spark: threads 2\n", "spark: promised keys with values, came 'threads 2'"),
    ("test.yaml", "- spark\n", "the file: promised keys with values"),
    ("audiences/vip.yml", "title: VIP\n", "rename it"),
])
def test_a_file_that_is_not_what_it_seems_is_named_with_the_place(tmp_path, file, text, told):
    shutil.copytree(str(conf_folder()), tmp_path / "conf")
    (tmp_path / "conf" / file).write_text(text, encoding="latin-1")
    with pytest.raises(BadConfiguration, match=f"{file}: .*{told}"):
        load(SECTIONS, "test", tmp_path / "conf", environ={})


def test_steps_are_listed_once_and_after_what_they_read():
    written: set[str] = set()
    for step in STEPS:
        assert {t.name for t in step.inputs} <= written | set(WITHOUT_STEP), step.name
        assert not written & {t.name for t in step.writes}
        written |= {t.name for t in step.writes}


def test_readme_map_is_what_the_pipeline_says():
    from wayprint import readme
    from wayprint.catalogue import markdown

    assert readme.current() == markdown()
