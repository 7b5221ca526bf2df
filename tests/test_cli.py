"""The command line's answers to what cannot be done: the exit code and what to do about it. No JVM is started."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from wayprint import cli
from wayprint.settings import conf_folder


@pytest.fixture
def wayprint(monkeypatch, capsys):
    """Exit code and standard error of `wayprint ...`."""

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["wayprint", *arguments])
        monkeypatch.setattr(cli.err, "width", 10_000)
        with pytest.raises(SystemExit) as left:
            cli.main()
        return int(left.value.code or 0), capsys.readouterr().err

    return call


@pytest.fixture
def conf(tmp_path) -> Path:
    return Path(shutil.copytree(Path(str(conf_folder())), tmp_path / "conf"))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_no_key_in_the_environment_names_the_variable_and_how_to_make_one(wayprint, monkeypatch, tmp_path):
    monkeypatch.delenv("WAYPRINT_HASH_KEY")
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake"))
    assert code == 2
    assert "WAYPRINT_HASH_KEY" in said
    assert "secrets.token_hex" in said


def test_an_unknown_knob_is_answered_with_the_nearest(wayprint, conf, tmp_path):
    (conf / "dev.yaml").write_text("journeys: {jurney_gap_days: 3}\n")
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake"), "--conf", str(conf))
    assert code == 2
    assert "did you mean 'journey_gap_days'" in said


def test_an_unknown_section_and_a_wrong_type_are_named(wayprint, conf, tmp_path):
    (conf / "dev.yaml").write_text("jorneys: {}\n")
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake"), "--conf", str(conf))
    assert (code, "did you mean 'journeys'" in said) == (2, True)
    (conf / "dev.yaml").write_text("journeys: {journey_gap_days: soon}\n")
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake"), "--conf", str(conf))
    assert (code, "journeys.journey_gap_days" in said, "'soon'" in said) == (2, True, True)


def test_an_environment_variable_that_names_no_knob_is_refused(wayprint, monkeypatch, tmp_path):
    monkeypatch.setenv("WAYPRINT_JOURNEYS__JOURNEY_GAP_DAY", "3")
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake"))
    assert (code, "did you mean 'journey_gap_days'" in said) == (2, True)


def test_a_source_with_an_unknown_key_is_refused_by_file_and_key(wayprint, conf, tmp_path):
    file = conf / "sources" / "crm_contacts.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "\nidentifers: []\n", encoding="utf-8")
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake"), "--conf", str(conf))
    assert code == 2
    assert "crm_contacts" in said
    assert "identifers" in said


def test_an_audience_that_names_an_unknown_word_is_refused_in_plain_words(wayprint, conf, tmp_path):
    file = conf / "audiences" / "abandoned_cart.yaml"
    edit(file, "add_to_cart", "ad_to_cart")
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake"), "--conf", str(conf))
    assert code == 2
    assert "add_to_cart" in said
    code, said = wayprint("audience", str(file), "--conf", str(conf))
    assert (code, "line " in said) == (2, True)


def test_an_audience_that_asks_a_model_that_is_not_there_is_refused_by_both(wayprint, conf, tmp_path):
    file = conf / "audiences" / "vip_cross_sell.yaml"
    edit(file, "purchase_30d", "purchase_30")
    for command in (("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake")), ("audience", str(file))):
        code, said = wayprint(*command, "--conf", str(conf))
        assert code == 2
        assert "score.model names 'purchase_30'; did you mean 'purchase_30d'?" in " ".join(said.split())


def test_a_run_names_the_line_of_what_is_wrong_in_an_audience(wayprint, conf, tmp_path):
    edit(conf / "audiences" / "abandoned_cart.yaml", "add_to_cart", "add_to_cat")
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake"), "--conf", str(conf))
    assert code == 2
    assert re.search(r"abandoned_cart.yaml, line \d+: who.*did you mean 'add_to_cart'", said)
    assert "came" not in said


def test_audiences_are_checked_with_the_channels_and_states_in_force(wayprint, conf):
    edit(conf / "lifecycle.yaml", "state: loyal", "state: faithful")
    edit(conf / "base.yaml", "      site: {purpose: null", "      pigeon: {purpose: null, contacts: [], stops: []}\n      site: {purpose: null")
    edit(conf / "audiences" / "post_purchase.yaml", "channel: email", "channel: pigeon")
    for name in ("vip_cross_sell", "customers_off_acquisition"):
        edit(conf / "audiences" / f"{name}.yaml", "loyal", "faithful")
    assert wayprint("audience", "--conf", str(conf)) == (0, "")
    edit(conf / "audiences" / "vip_cross_sell.yaml", "faithful", "loyal")
    code, said = wayprint("audience", "--conf", str(conf))
    assert (code, "did you mean 'faithful'" in said or "allowed: leaver, faithful" in said) == (2, True)


def test_every_shipped_audience_is_said_in_words(wayprint, capsys):
    code, said = wayprint("audience")
    assert (code, said) == (0, "")


def test_a_lake_root_that_cannot_be_written_is_named(wayprint, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "taken" / "lake"))
    assert code == 2
    assert str(tmp_path / "taken") in said
    assert "writable" in said


def test_a_day_that_is_none_is_refused(wayprint, tmp_path):
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake"), "--as-of", "2026-13-01")
    assert (code, "YYYY-MM-DD" in said) == (2, True)


def test_a_raw_folder_that_is_not_there_is_named_before_spark_starts(wayprint, tmp_path):
    code, said = wayprint("run", "--raw", str(tmp_path / "nowhere"), "--lake", str(tmp_path / "lake"))
    assert (code, "nowhere" in said) == (2, True)


def test_an_empty_raw_folder_and_an_empty_lake_are_nothing_to_run_on(wayprint, tmp_path):
    (tmp_path / "raw").mkdir()
    code, said = wayprint("run", "--raw", str(tmp_path / "raw"), "--lake", str(tmp_path / "lake"))
    assert (code, "nothing to read" in said) == (2, True)


def test_a_step_that_is_none_is_answered_with_the_nearest(wayprint, tmp_path):
    code, said = wayprint("run", "--raw", str(tmp_path), "--lake", str(tmp_path / "lake"), "--only", "sessionise")
    assert (code, "did you mean 'sessionize'" in said) == (2, True)


def test_a_view_that_is_none_is_answered_with_the_nearest(wayprint):
    code, said = wayprint("view", "id_grph")
    assert (code, "did you mean 'id_graph'" in said) == (2, True)


def test_a_table_that_is_none_is_answered_with_the_nearest(wayprint):
    code, said = wayprint("tables", "person")
    assert (code, "did you mean 'persons'" in said) == (2, True)
