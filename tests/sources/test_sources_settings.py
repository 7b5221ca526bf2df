"""A source is one file; a mistake in it is told with its file, its key and the nearest word that would have been right."""

import shutil

import pytest

from wayprint.pipeline import SECTIONS
from wayprint.settings import BadConfiguration, conf_folder, load
from wayprint.sources.specs import pattern


@pytest.fixture
def conf(tmp_path):
    return shutil.copytree(conf_folder(), tmp_path / "conf")


def told(conf, old, new, file="store_tickets.yaml"):
    source = conf / "sources" / file
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new, 1))
    with pytest.raises(BadConfiguration) as caught:
        load(SECTIONS, env="test", folder=conf)
    return str(caught.value)


@pytest.mark.parametrize(("old", "new", "words"), [
    ("kind: event", "kind: event\nidentifers: []", ["unknown key 'identifers'", "did you mean 'identifiers'?"]),
    ("order_id: {column: ticket_id", "order_id: {colum: ticket_id", ["fields.order_id", "unknown key 'colum'", "did you mean 'column'?"]),
    ("  store_id: store_id", "  shop_id: store_id", ["unknown field of raw_events 'shop_id'", "did you mean 'store_id'?"]),
    ("type: loyalty_card", "type: loyalty_cart", ["unknown identifier type 'loyalty_cart'", "did you mean 'loyalty_card'?"]),
    ("default: purchase", "default: purchased", ["unknown event name 'purchased'", "did you mean 'purchase'?"]),
    ("how: product}", "how: produkt}", ["unknown reading 'produkt'", "did you mean 'product'?"]),
    ("Europe/Paris", "Europe/Parys", ["time_zone 'Europe/Parys'"]),
    ("  happened_at: ticket_time\n", "", ["fields.happened_at is missing"]),
    (": csv,", ": cvs,", ["unknown reader 'cvs'", "did you mean 'csv'?"]),
    ("platform: store", "platform: stores", ["unknown platform 'stores'", "did you mean 'store'?"]),
])
def test_a_mistake_in_a_source_names_file_and_cure(conf, old, new, words):
    message = told(conf, old, new)
    for word in ("sources/store_tickets.yaml", *words):
        assert word in message


def test_only_an_event_is_sent_from_somewhere(conf):
    message = told(conf, "kind: contact\n", "kind: contact\nnetwork_address: ip\n", "crm_contacts.yaml")
    assert "sources/crm_contacts.yaml" in message
    assert "network_address: only an event is sent from somewhere, and the source is of kind contact" in message


def test_every_mistake_is_told_at_once(conf):
    (conf / "sources" / "other.yaml").write_text("kind: evnt\n")
    message = told(conf, "Europe/Paris", "Mars")
    assert "sources/other.yaml" in message
    assert "sources/store_tickets.yaml" in message


def test_no_two_types_of_identifiers_are_equally_strong(conf, settings):
    (conf / "identity.yaml").write_text((conf / "identity.yaml").read_text().replace("priority: 2", "priority: 1", 1))
    with pytest.raises(BadConfiguration, match="same priority"):
        load(SECTIONS, folder=conf)


def test_the_shipped_sources_read_every_kind_of_record(settings):
    assert {spec.kind for spec in settings.sources.specs.values()} == {"event", "contact", "cost", "reference"}


def test_a_star_stays_in_its_folder_and_two_stars_do_not():
    assert pattern("a/*.csv").fullmatch("a/x.csv")
    assert not pattern("a/*.csv").fullmatch("a/b/x.csv")
    assert pattern("a/**/*.csv").fullmatch("a/x.csv")
    assert pattern("a/**/*.csv").fullmatch("a/b/c/x.csv")
    assert not pattern("a/?.csv").fullmatch("a/xy.csv")
    assert not pattern("a/x.csv").fullmatch("a/xzcsv")
