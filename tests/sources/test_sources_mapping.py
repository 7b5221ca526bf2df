"""Mapping: what a record of a source becomes."""

from decimal import Decimal

import pytest

from wayprint.sources.identifiers import canonical
from wayprint.sources.ingest import record_batches
from wayprint.sources.keys import Keys

LINE = "id,at,login,amount\n{}\n"


def one(rows, kind="event"):
    (row,) = rows[kind]
    return row


def test_a_record_without_identifier_acts_for_itself_and_one_with_a_device_by_the_device(read, keys):
    nobody = one(read(LINE.format("a,2026-01-01,null,1")))
    assert (nobody["identifiers"], nobody["identifier_id"]) == ((), None)
    assert nobody["origin_id"]
    devices = [{"type": "login", "column": "login"}, {"type": "web_cookie", "column": "id"}]
    somebody = one(read(LINE.format("a,2026-01-01,C1,1"), identifiers=devices))
    assert somebody["origin_id"] == keys.identifier_id("web_cookie", "a")
    assert somebody["identifier_id"] == keys.identifier_id("login", "C1")
    assert somebody["identifiers"] == tuple(sorted(somebody["identifiers"]))


def test_the_same_action_again_has_the_same_id_and_digest_and_another_record(read):
    rows = read("id,at,login,amount,seen\na,2026-01-01,C1,1,2026-01-01\na,2026-01-01,C1,1.00,2026-01-02\na,2026-01-01,C1,2,2026-01-01\n",
                fields={"event_id": "id", "happened_at": "at", "amount": "amount", "received_at": "seen"})
    first, again, other = rows["event"]
    assert first["payload_digest"] == again["payload_digest"] != other["payload_digest"]
    assert len({row["record_id"] for row in rows["event"]}) == 3


def test_an_action_without_id_is_known_by_its_content(read):
    rows = read("id,at,login,amount\nx,2026-01-01,C1,1\ny,2026-01-01,C1,1\nz,2026-01-01,C2,1\n",
        fields={"happened_at": "at", "amount": "amount"}, keys=[])
    first, again, other = [row["event_id"] for row in rows["event"]]
    assert first == again != other


def test_an_id_joined_of_several_columns_is_none_where_one_is_empty(read):
    fields = {"event_id": {"column": ["id", "login"], "join": "-"}, "happened_at": "at"}
    rows = read("id,at,login,amount\na,2026-01-01,1,1\nb,2026-01-01,,1\n", fields=fields)
    assert one(rows)["event_id"] == "a-1"
    assert one(rows, "quarantine")["rule"] == "missing_key"


def test_names_come_from_the_first_column_that_has_one_and_are_narrowed(read):
    names = {"by": ["login/amount", "login", "id"], "table": {"Buy": "purchase", "look/2": "product_view", "v": "page_view"},
             "refine": [{"event": "page_view", "column": "amount", "contains": "9", "name": "store_locator"}]}
    rows = read("id,at,login,amount\nv,2026-01-01,buy,1\nv,2026-01-01,look,2\nv,2026-01-01,,1\nv,2026-01-01,,9\nq,2026-01-01,,1\n",
        names=names, constants={})
    assert [row["event_name"] for row in rows["event"]] == ["purchase", "product_view", "page_view", "store_locator", "other"]


def test_of_several_words_the_first_of_the_table_decides(read):
    rows = read(LINE.format("100;12;1,2026-01-01,,1"), constants={},
        names={"by": ["id"], "split": ";", "table": {"1": "purchase", "12": "add_to_cart"}})
    assert one(rows)["event_name"] == "purchase"


def test_a_negative_amount_is_a_refund_where_the_source_says_so(read):
    rows = read("id,at,login,amount\na,2026-01-01,C1,-2\nb,2026-01-01,C1,2\n", constants={}, names={"default": "purchase", "negative": "refund"})
    assert [(row["event_name"], row["amount"]) for row in rows["event"]] == [("refund", Decimal("-2.00")), ("purchase", Decimal("2.00"))]


def test_a_sync_point_is_the_first_rule_that_fits(read):
    points = [{"point": "sign_up", "events": ["sign_up"]}, {"point": "login", "has": ["login"]}, {"point": "email_click", "has": ["email"]}]
    page = {"url": "id", "identifiers": {"eh": "email"}}
    rows = read("id,at,login,amount\nhttps://s.fr/?eh=a@b.fr,2026-01-01,C1,1\nhttps://s.fr/?eh=a@b.fr,2026-01-01,,1\nhttps://s.fr/,2026-01-01,,1\n",
                sync_points=points, page=page, keys=[], fields={"happened_at": "at"})
    assert [row["sync_point"] for row in rows["event"]] == ["login", "email_click", None]
    assert rows["event"][0]["identifiers"] != rows["event"][1]["identifiers"]


def test_a_clear_address_and_its_hash_are_one_identifier_and_only_the_clear_one_is_in_the_vault(read, keys):
    digest = canonical("email", "jeanne@example.fr", "FR")[1]
    rows = read(f"id,at,login,amount\na,2026-01-01,Jeanne@Example.fr,1\nb,2026-01-01,{digest},1\n",
        identifiers=[{"type": "email", "column": "login"}])
    first, second = rows["event"]
    assert first["identifiers"] == second["identifiers"]
    (kept,) = rows["vault"]
    assert (kept["subject_id"], kept["field"], keys.open(kept["sealed"])) == (first["identifier_id"], "email", b"jeanne@example.fr")


def test_what_is_known_of_a_person_under_one_key_is_not_given_under_another(read, keys):
    emails = [{"type": "email", "column": "login"}]
    other = Keys(b"\x22" * 32, b"\x33" * 32)
    for key in (keys, other):
        rows = read(LINE.format("a,2026-01-01,Ann@Example.org,1"), under=key, identifiers=emails)
        (_, hashed) = canonical("email", "ann@example.org", "FR")
        assert one(rows)["identifier_id"] == one(rows, "vault")["subject_id"] == key.identifier_id("email", hashed)
        assert key.open(one(rows, "vault")["sealed"]) == b"ann@example.org"
    assert other.identifier_id("email", hashed) != keys.identifier_id("email", hashed)


def test_numbers_given_out_by_two_systems_are_kept_apart_by_their_space(read):
    plain, spaced = (one(read(LINE.format("a,2026-01-01,17.0,1"), identifiers=[{"type": "shop_customer", "column": "login", "how": "whole", **more}]))
                     for more in ({}, {"space": "other_shop"}))
    assert plain["identifier_id"] != spaced["identifier_id"]


def test_one_record_may_tell_two_actions_and_counts_once(read):
    rows = read("id,at,login,amount\na,2026-01-01,2026-01-03,5\nb,2026-01-01,,5\n", identifiers=[], constants={"event_name": "ticket_opened"},
                fields={"event_id": "id", "happened_at": "at"},
                    also=[{"event_name": "ticket_closed", "fields": {"happened_at": "login", "score": "amount"}}])
    assert [(row["event_id"], row["event_name"], row.get("score")) for row in rows["event"]] == [
        ("a", "ticket_opened", None), ("a:ticket_closed", "ticket_closed", 5.0), ("b", "ticket_opened", None)]
    assert len({row["record_id"] for row in rows["event"]}) == 3
    assert rows["file"][0]["kept"] == 2


def test_one_record_may_tell_what_its_action_cost(read):
    rows = read(LINE.format("n1,2026-01-01,C1,0.85"), constants={"event_name": "catalogue_sent"}, fields={"happened_at": "at"}, keys=[], also=[
        {"constants": {"platform": "print"}, "fields": {"cost_date": "at", "campaign_id": "id", "cost_amount": "amount"}}])
    assert (one(rows, "cost")["cost_amount"], one(rows, "cost")["campaign_id"]) == (Decimal("0.850000"), "n1")


def test_items_come_from_a_list_or_from_the_record_and_nothing_is_no_item(read):
    items = {"at": "login", "product_id": "sku", "quantity": "n", "amount": {"column": ["n", "price"], "how": "product"}}
    content = 'id,at,login,amount\na,2026-01-01,"[{""sku"": ""P1"", ""n"": 2, ""price"": 1.5}, {""n"": 1}]",1\nb,2026-01-01,,1\nc,2026-01-01,{,1\n'
    rows = read(content, items=items, identifiers=[])
    assert [row.get("items") for row in rows["event"]] == [(("P1", None, 2, Decimal("3.00")),), None]
    assert rows["quarantine"][0]["rule"] == "malformed"


@pytest.mark.parametrize("code", ["\\ud83d", "\\u0000"])
def test_an_escape_for_half_a_character_inside_nested_json_costs_its_record_alone(read, code):
    cell = f'"[{{""sku"": ""P{code}""}}]"'
    rows = read(f'id,at,login,amount\na,2026-01-01,{cell},1\nb,2026-01-01,"[{{""sku"": ""P""}}]",1\n', items={"at": "login", "product_id": "sku"}, identifiers=[])
    assert (one(rows)["event_id"], one(rows, "quarantine")["rule"]) == ("b", "bad_encoding")
    cut = {"event_id": "id", "happened_at": "at", "reason": {"column": "login", "pattern": '"sku": "([^"]*)"'}}
    rows = read(f"id,at,login,amount\na,2026-01-01,{cell},1\n", fields=cut, identifiers=[])
    assert "'login'" in one(rows, "quarantine")["reason"]


def test_only_what_is_cut_out_of_json_is_read_without_its_escapes(read):
    fields = {"event_id": "id", "happened_at": "at", "order_id": {"column": "login", "pattern": "^R?(.+)$"}, "reason": {"column": "amount", "pattern": '"a": "(.+)"'}}
    rows = read('id,at,login,amount\na,2026-01-01,RS1\\n12,"{""a"": ""l\'\\u00e9t\\u00e9""}"\nb,2026-01-01,S\\ud83d,\n', fields=fields, identifiers=[])
    assert [(row["order_id"], row["reason"]) for row in rows["event"]] == [("S1\\n12", "l'été"), ("S\\ud83d", None)]


def test_of_several_groups_the_one_that_is_found_is_the_value(read):
    fields = {"event_id": "id", "happened_at": "at", "amount": {"column": ["amount", "login"], "pattern": '^([^{].*)$|"total": ([^,}]+)'}}
    rows = read('id,at,login,amount\na,2026-01-01,"{""total"": 2}",\nb,2026-01-01,,"3"\nc,2026-01-01,,"1,5"\n', fields=fields, identifiers=[])
    assert [row["amount"] for row in rows["event"]] == [Decimal("2.00"), Decimal("3.00")]
    assert one(rows, "quarantine")["rule"] == "bad_number"


def test_a_verb_may_stand_inside_a_text(read):
    names = {"by": [{"column": "login", "pattern": '"type":"([^"]*)"'}, "amount"], "table": {"Buy": "purchase", "1": "page_view"}}
    rows = read('id,at,login,amount\na,2026-01-01,"{""type"":""BUY""}",1\nb,2026-01-01,"{""type"":""x""}",1\nc,2026-01-01,,2\n', names=names, constants={}, identifiers=[])
    assert [row["event_name"] for row in rows["event"]] == ["purchase", "page_view", "other"]


def test_products_that_together_cost_more_than_an_amount_can_be_are_refused(read):
    items = {"at": "login", "product_id": "sku", "amount": "price", "total_of": ["purchase"]}
    huge = '"[{""sku"": ""P1"", ""price"": 9999999999999999}, {""sku"": ""P2"", ""price"": 9999999999999999}]"'
    rows = read(f"id,at,login,amount\na,2026-01-01,{huge},\n", items=items, identifiers=[], fields={"event_id": "id", "happened_at": "at"})
    assert (one(rows, "quarantine")["rule"], "items" in one(rows, "quarantine")["reason"]) == ("bad_number", True)


def test_a_word_for_nothing_is_no_product(read):
    items = {"at": "login", "product_id": "sku", "family": "kind"}
    rows = read('id,at,login,amount\na,2026-01-01,"[{""sku"": ""-""}, {""sku"": ""P"", ""kind"": ""-""}]",1\n', items=items, identifiers=[], nulls=["-"])
    assert one(rows)["items"] == (("P", None, None, None),)


def test_an_id_that_a_spreadsheet_rounded_names_nobody_and_no_order(read):
    rows = read(LINE.format("a,2026-01-01,3.00E+12,1") + "6E+12,2026-01-01,C1,1\nb,2026-01-01,17.0,1\n")
    assert [(row["rule"], row["reason"].split(":")[0]) for row in rows["quarantine"]] == [("bad_id", "column 'login'"), ("bad_id", "column 'id'")]
    assert one(rows)["identifiers"] == one(read(LINE.format("b,2026-01-01,17,1")))["identifiers"]


CONTACT = {
    "kind": "contact", "constants": {}, "keys": [], "columns": ["id", "at", "login", "amount"], "fields": {"contact_id": "id", "updated_at": "at"},
    "identifiers": [{"type": "crm_id", "column": "id"}]}


def test_a_contact_states_consent_or_its_absence_and_its_clear_name_goes_to_the_vault(read, keys):
    consents = [{"purpose": "email_marketing", "column": "login"}, {"purpose": "sms_marketing", "column": "amount"}]
    rows = read("id,at,login,amount,name\n7,2026-01-01,oui,, Éloïse   Durand \n8,2026-01-01,peut-être,non,d41d8cd98f00b204e9800998ecf8427e\n",
                **CONTACT, consents=consents, vault={"first_name": "name"})
    first, second = rows["contact"]
    assert (first["consents"], second["consents"]) == ((("email_marketing", True),), (("sms_marketing", False),))
    assert first["consented_at"] == first["updated_at"]
    assert first["contact_id"] == f"shop:{keys.identifier_id('contact of shop', '7')}"
    assert [(v["field"], keys.open(v["sealed"]).decode()) for v in rows["vault"]] == [("first_name", "Éloïse Durand")]


@pytest.mark.parametrize("nothing", ["NULL", "nan", "None", "\\N", "n/a", "--"])
def test_a_word_for_nothing_does_not_go_to_the_vault(read, nothing):
    rows = read(f"id,at,login,amount,name\n7,2026-01-01,,,{nothing}\n", **CONTACT, vault={"first_name": "name"})
    assert "vault" not in rows


def test_the_zero_that_a_spreadsheet_took_from_a_french_postal_code_is_put_back(read, keys):
    spec = {**CONTACT, "fields": {"contact_id": "id", "updated_at": "at", "country": "login", "postal_area": "amount"}}
    rows = read("id,at,login,amount\n1,2026-01-01,France,1000\n2,2026-01-01,BE,1000\n3,2026-01-01,,1000\n4,2026-01-01,FR,75011\n", **spec, vault={"postal_code": "amount"})
    assert [row["postal_area"] for row in rows["contact"]] == ["01", "10", "10", "75"]
    assert [keys.open(row["sealed"]) for row in rows["vault"]] == [b"01000", b"1000", b"1000", b"75011"]


def test_a_list_of_scopes_grants_what_it_names(read):
    consents = [{"purpose": "analytics", "column": "login", "contains": ["statistics", "analytics"]},
        {"purpose": "advertising", "column": "login", "contains": ["marketing"]}]
    rows = read('id,at,login,amount\na,2026-01-01,"[""necessary"",""statistics""]",1\nb,2026-01-01,,1\n',
        constants={"event_name": "consent"}, consents=consents, identifiers=[])
    assert [row["consents"] for row in rows["event"]] == [(("advertising", False), ("analytics", True)), None]


def test_a_cost_in_millionths_and_its_dimensions(read):
    rows = read("id,at,login,amount\nc1,2026-01-01,MOBILE,36150000\nc1,2026-01-01,,-1\n", kind="cost", keys=[], identifiers=[],
        constants={"platform": "google"},
                fields={"campaign_id": "id", "cost_date": "at", "cost_amount": {"column": "amount", "how": "micros"}}, dimensions=["login", "id"])
    assert (one(rows, "cost")["cost_amount"], one(rows, "cost")["dimensions"]) == (Decimal("36.150000"), "MOBILE|c1")
    assert rows["quarantine"][0]["rule"] == "negative"


def test_a_reference_keeps_its_declared_columns_only(read):
    rows = read(LINE.format("r1,2026-01-01,secret,4"), kind="reference", keys=[], identifiers=[], constants={"entity": "thing"},
                fields={"entity_id": "id", "updated_at": "at"}, attributes={"z": "amount", "a": "id"})
    assert one(rows, "reference")["attributes"] == '{"a": "r1", "z": "4"}'


@pytest.mark.parametrize(("line", "rule"), [
    (",2026-01-01,C1,1", "missing_key"), ("a,,C1,1", "missing_key"), ("a,soon,C1,1", "bad_time"), ("a,1970-01-01,C1,1", "out_of_range"),
    ("a,2099-01-01,C1,1", "out_of_range"),
    ("a,2026-01-01,C1,douze", "bad_number"), ("a,2026-01-01,C1,-1", "negative"), ("a,2026-01-01,C1", "malformed"),
    ("a,2026-01-01,C1,1,5", "malformed")])
def test_a_record_that_breaks_a_promise_is_refused_with_its_column_and_without_its_value(read, keys, line, rule):
    rows = read(LINE.format(line), rules=[{"name": "negative", "column": "amount", "at_least": 0, "why": "a return is a refund"}])
    refused = one(rows, "quarantine")
    assert (refused["rule"], refused["line_number"], keys.open(refused["original"])) == (rule, 2, line.encode())
    assert "C1" not in refused["reason"]
    assert rule == "malformed" or "column '" in refused["reason"]


@pytest.mark.parametrize("junk", ["Test@Test.com", "no-reply@shop.fr"])  # of the list, of a pattern
def test_a_value_that_names_nobody_stands_for_a_record_only_where_no_other_can(read, keys, junk):
    both = [{"type": "email", "column": "login"}, {"type": "phone", "column": "id"}]
    rows = read(f"id,at,login,amount\n0612345678,2026-01-01,{junk},1\n0000000000,2026-01-01,{junk},1\n", identifiers=both)
    phone, email = (keys.identifier_id(*canonical(*value, "FR")) for value in (("phone", "0612345678"), ("email", junk)))
    assert [row["identifier_id"] for row in rows["event"]] == [phone, email]
    assert all(("email", email) in row["identifiers"] for row in rows["event"])


PRODUCT = {"fields": {"event_id": "id", "happened_at": "at", "amount": {"column": ["quantity", "price", "discount"], "how": "product"}},
           "keys": ["event_id", "amount"], "columns": ["id", "at", "login", "quantity", "price", "discount"]}


def test_a_column_that_is_not_there_leaves_its_place_empty(read):
    rows = read("id,at,login,quantity,price\na,2026-01-01,C1,3,20.00\n", **PRODUCT)
    assert one(rows)["amount"] == Decimal("60.00")
    items = {"product_id": "login", "amount": {"column": ["quantity", "price", "discount"], "how": "product"}}
    rows = read("id,at,login,price,discount\na,2026-01-01,C1,20.00,2.00\n", items=items, fields={"event_id": "id", "happened_at": "at"})
    assert one(rows)["items"] == (("C1", None, None, None),)


@pytest.mark.parametrize(("header", "absent"), [
    ("id,at,login,qty,price,discount", "'quantity' (amount) is missing; did you mean 'qty'"), ("id,at,login,quantity,tarif,discount", "'price' (amount)")])
def test_a_file_without_one_factor_of_its_amounts_is_held_and_told_which(read, header, absent):
    file = one(read(f"{header}\na,2026-01-01,C1,3,20.00,2.00\n", **PRODUCT), "file")
    assert (file["status"], file["lines"], absent in file["reason"]) == ("held", 0, True)


def test_a_file_without_one_part_of_its_ids_is_held_and_told_which(read):
    fields = {"event_id": {"column": ["id", "line"], "join": "-"}, "happened_at": "at"}
    file = one(read("id,at,login,no\na,2026-01-01,C1,3\n", fields=fields), "file")
    assert (file["status"], "column 'line' (event_id) is missing" in file["reason"]) == ("held", True)


def test_an_entry_of_names_needs_all_its_columns(read):
    names = {"by": ["login/kind", "login"], "table": {"open": "email_open", "open/true": "other"}}
    content = "id,at,login,kind\na,2026-01-01,open,true\nb,2026-01-01,open,false\n"
    assert [row["event_name"] for row in read(content, names=names, constants={})["event"]] == ["other", "email_open"]
    swapped = {"by": ["login/kind", "amount"], "table": {"open": "email_open", "1": "other"}}
    assert one(read(LINE.format("a,2026-01-01,open,1"), names=swapped, constants={}))["event_name"] == "other"


def test_a_row_that_arrow_cannot_hold_costs_its_record_alone_and_its_file_accounts_for_it(read):
    rows = read(LINE.format("a,2026-01-01,C1,1") + "b,2026-01-01,C1,1\nc,2026-01-01,C1,1\n")
    rows["event"][1]["reason"], rows["event"][2]["amount"] = "\ud83d", Decimal(10) ** 17
    stream = [(kind, row) for kind in ("event", "file") for row in rows[kind]]
    batches = [batch.to_pylist() for batch in record_batches(iter(stream), 2)]
    found = {kind: [row for batch in batches for row in batch if row["kind"] == kind] for kind in ("event", "quarantine", "file")}
    assert [row["event_id"] for row in found["event"]] == ["a"]
    assert [(row["line_number"], row["rule"], row["file"], row["original"]) for row in found["quarantine"]] == [
        (row["line_number"], "unexpected", "a.csv", row["original"]) for row in rows["event"][1:]]
    assert [(row["lines"], row["kept"], row["quarantined"]) for row in found["file"]] == [(3, 1, 2)]
