"""What vendors' records mean to the shipped sources: consent, money, clocks, whose number a number is."""

import calendar
import csv
import gzip
import io
import json
import tarfile
from decimal import Decimal

import pytest

from tests.sources.conftest import KEYS, account, described
from wayprint.sources.ingest import read_file


@pytest.fixture
def shipped(settings):
    """`shipped(source, content, name, beside)` -> kind: rows, read as conf/sources says."""

    def run(source, content, name="a.csv", beside=None):
        data = content if isinstance(content, bytes) else content.encode()
        rows = {}
        given = {other: io.BytesIO(inside) for other, inside in (beside or {}).items()}
        for kind, row in read_file(described(name, data, source) | {"names": [f"{source}/{name}"]}, io.BytesIO(data), settings.sources, KEYS, given.get):
            rows.setdefault(kind, []).append(row)
        account(rows)
        return rows

    return run


def csv_of(*records):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()


def one(rows, kind="event"):
    (row,) = rows[kind]
    return row


def unstructured(name, data):
    schema = "iglu:com.snowplowanalytics.snowplow"
    return json.dumps({"schema": f"{schema}/unstruct_event/jsonschema/1-0-0", "data": {"schema": f"{schema}/{name}/jsonschema/1-0-0", "data": data}})


@pytest.fixture
def snowplow(shipped, settings):
    columns = settings.sources.specs["snowplow_web"].columns
    hit = {"platform": "web", "collector_tstamp": "2026-03-01 10:00:01", "dvce_created_tstamp": "2026-03-01 10:00:00", "event_id": "e1", "domain_userid": "d1"}

    def run(**values):
        return one(shipped("snowplow_web", "\t".join((hit | values).get(c, "") for c in columns) + "\n", "a.tsv"))

    return run


def preferences(decision, *scopes):
    return unstructured("consent_preferences", {
        "basisForProcessing": "consent", "consentScopes": list(scopes), "consentUrl": "https://shop.fr/legal/marketing", "eventType": decision})


@pytest.mark.parametrize(("statement", "said"), [
    (preferences("allow_all", "necessary", "analytics", "advertising"), {"analytics": True, "advertising": True}),
    (preferences("allow_selected", "necessary", "statistics"), {"analytics": True, "advertising": False}),
    (preferences("deny_all", "necessary"), {"analytics": False, "advertising": False}),
    (preferences("withdrawn", "necessary", "analytics", "marketing"), {"analytics": False, "advertising": False}),
    (preferences("expired", "necessary", "analytics", "marketing"), {"analytics": False, "advertising": False}),
    (preferences("pending", "necessary", "analytics", "marketing"), {}), (preferences("implicit_consent", "necessary", "analytics"), {})])
def test_a_banner_grants_the_scopes_it_lists_unless_its_decision_takes_them_back(snowplow, statement, said):
    row = snowplow(event="unstruct", event_name="consent_preferences", unstruct_event=statement)
    assert (row["event_name"], dict(row["consents"] or ())) == ("consent", said)


def test_a_form_says_nothing_of_consent_whatever_is_written_in_it(snowplow):
    form = unstructured("submit_form", {"formId": "contact", "elements": [{"name": "subject", "value": "I work in marketing and analytics"}]})
    row = snowplow(event="unstruct", event_name="submit_form", unstruct_event=form)
    assert (row["event_name"], row["consents"]) == ("form_submit", None)


def test_an_order_of_less_than_nothing_is_a_refund(snowplow, shipped):
    assert snowplow(event="transaction", event_name="transaction", tr_total="-5", tr_orderid="O")["event_name"] == "refund"
    assert one(shipped("ga4_content", ga4(event_name="purchase", ecommerce={"transaction_id": "T", "purchase_revenue": -5}), "a.jsonl"))["event_name"] == "refund"
    assert one(shipped("segment_app", segment(properties={"order_id": "O", "total": -5}), "a.jsonl"))["event_name"] == "refund"


ADOBE = ("hitid_high", "hitid_low", "date_time", "hit_time_gmt", "cust_hit_time_gmt", "post_visid_high", "post_visid_low", "post_event_list",
         "post_product_list", "post_purchaseid", "hit_source", "duplicate_purchase")
HIT_TIME = calendar.timegm((2026, 3, 1, 18, 0, 0))


def adobe(shipped, *hits, source="adobe_site"):
    """Hits of a feed whose report suite is eight hours behind."""
    names = "\t".join(ADOBE).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("column_headers.tsv")
        member.size = len(names)
        archive.addfile(member, io.BytesIO(names))
    usual = {"hitid_low": "2", "date_time": "2026-03-01 10:00:00", "hit_time_gmt": str(HIT_TIME), "cust_hit_time_gmt": "0", "post_visid_high": "11",
             "post_visid_low": "22", "hit_source": "1", "duplicate_purchase": "0"}
    lines = ["\t".join((usual | {"hitid_high": str(number)} | hit).get(c, "") for c in ADOBE) for number, hit in enumerate(hits)]
    content = gzip.compress(("\n".join(lines) + "\n").encode())
    return shipped(source, content, "01-x_2026-03-01.tsv.gz", {"x_2026-03-01-lookup_data.tar.gz": buffer.getvalue()})


@pytest.mark.parametrize("source", ["adobe_site", "adobe_kiosk"])
def test_an_adobe_hit_happened_at_its_unix_time_and_only_without_one_by_the_suites_clock(shipped, settings, source):
    rows = adobe(shipped, {}, {"cust_hit_time_gmt": str(HIT_TIME - 60)}, {"hit_time_gmt": ""}, source=source)["event"]
    by_suite = HIT_TIME - (8 if source == "adobe_site" else 9) * 3_600  # 10:00 in UTC, in Paris
    assert [row["happened_at"] for row in rows] == [HIT_TIME * 10**6, (HIT_TIME - 60) * 10**6, by_suite * 10**6]


def test_an_adobe_order_is_worth_its_products_counts_once_and_is_seen_with_a_serial_number(shipped):
    products = ";SKU1;2;40.00,;SKU2;1;19.90"
    rows = adobe(
        shipped, {"post_event_list": "1,100=5", "post_product_list": products, "post_purchaseid": "O1"},
        {"post_event_list": "1", "post_product_list": products, "post_purchaseid": "O1", "duplicate_purchase": "1"},
        {"post_event_list": "1:777", "post_product_list": "Shoes;SKU1;2;40.00"}, {"post_event_list": "12=4", "post_product_list": ";SKU1;1;20.00"})
    assert [(row["event_name"], row["amount"]) for row in rows["event"]] == [
        ("purchase", Decimal("59.90")), ("page_view", None), ("purchase", Decimal("40.00")), ("add_to_cart", None)]


def test_what_was_uploaded_to_adobe_is_nobodys_hit(shipped):
    rows = adobe(shipped, *({"hit_source": source} for source in ("1", "2", "5", "7", "8", "9")))
    assert (len(rows["event"]), {row["rule"] for row in rows["quarantine"]}) == (2, {"data_source_hit"})


def segment(**call):
    usual = {"type": "track", "event": "Order Completed", "messageId": "m", "anonymousId": "a", "timestamp": "2026-03-01T10:00:00Z",
             "sentAt": "2026-03-01T12:00:01Z", "receivedAt": "2026-03-01T10:00:01Z"}
    return json.dumps(usual | call) + "\n"


def test_a_time_that_segment_corrected_already_is_not_corrected_again(shipped):
    corrected = one(shipped("segment_app", segment(), "a.jsonl"))
    original = one(shipped("segment_app", segment(originalTimestamp="2026-03-01T12:00:00Z"), "a.jsonl"))
    page = {"id": "a", "anonymous_id": "x", "received_at": "2026-03-01 10:00:01", "sent_at": "2026-03-01 12:00:01", "timestamp": "2026-03-01 10:00:00"}
    warehouse = one(shipped("segment_pages", csv_of(page)))
    both = one(shipped("segment_pages", csv_of(page | {"original_timestamp": "2026-03-01 12:00:00"})))
    assert corrected["happened_at"] == warehouse["happened_at"] != original["happened_at"] == both["happened_at"]
    assert corrected["sent_at"] is warehouse["sent_at"] is None
    assert original["sent_at"] == both["sent_at"] == original["happened_at"] + 10**6


def ga4(**event):
    return json.dumps({"event_timestamp": "1772000000000000", "event_name": "page_view", "user_pseudo_id": "1.2", "platform": "WEB"} | event) + "\n"


def test_orders_without_number_are_not_one_order_and_a_refund_has_its_own_value(shipped):
    content = ga4(event_name="purchase", ecommerce={"transaction_id": "(not set)", "purchase_revenue": 50.5}) + ga4(
        event_name="refund", ecommerce={"transaction_id": "T1", "refund_value": 20.25})
    rows = shipped("ga4_content", content, "a.jsonl")["event"]
    assert [(row["order_id"], row["amount"]) for row in rows] == [(None, Decimal("50.50")), ("T1", Decimal("20.25"))]


def test_hits_of_one_batch_are_told_apart_by_their_place_in_it(shipped):
    hits = [ga4(batch_page_id="7", batch_ordering_id="1", batch_event_index=place) for place in ("1", "2", "2")]
    rows = shipped("ga4_content", "".join([*hits, ga4(), ga4()]), "a.jsonl")["event"]
    ids = [row["event_id"] for row in rows]
    assert (ids[1] == ids[2], ids[3] == ids[4], len(set(ids))) == (True, True, 3)


CONTACT = {
    "contact_id": "1", "email": "a@b.be", "phone": "", "loyalty_card": "", "customer_login": "", "country": "", "updated_at": "2026-03-01 10:00:00",
    "consent_email": ""}


@pytest.mark.parametrize(("phone", "country", "written"), [
    ("0470 12 34 56", "BE", "+32470123456"), ("06 12 34 56 78", "", "+33612345678"), ("0470 12 34 56", "Belgique", "+32470123456"),
    ("079 123 45 67", "Suisse", "+41791234567"), ("07700 900123", "UK", "+447700900123"), ("06 12 34 56 78", "Atlantide", None), ("0032470123456", "Atlantide", "+32470123456"),
    ("06 12 34 56 78", "NULL", "+33612345678"),
    ("+32 470 12 34 56", "FR", "+32470123456"), ("(212) 555-0147", "US", "+12125550147"), ("(212) 555-0147", "FR", None)])
def test_a_national_number_is_of_the_country_of_its_contact(shipped, keys, phone, country, written):
    rows = shipped("crm_contacts", csv_of(CONTACT | {"phone": phone, "country": country}))
    sealed = [keys.open(row["sealed"]).decode() for row in rows["vault"] if row["field"] == "phone"]
    assert sealed == ([written] if written else [])
    assert ("phone" in dict(one(rows, "contact")["identifiers"])) is (written is not None)


@pytest.mark.parametrize("word", [
    "no", "OPT_OUT", "opt-out", "Opted out", "withdrawn", "revoked", "refused", "refusé", "STOP", "unsubscribe", "désabonné", "0.0"])
def test_a_refusal_is_known_however_it_is_written(shipped, word):
    rows = shipped("crm_contacts", csv_of(CONTACT | {"consent_email": word}))
    assert one(rows, "contact")["consents"] == (("email_marketing", False),)
    assert one(rows, "file")["reason"] is None


@pytest.mark.parametrize("nothing", ["NULL", "\\N", "#N/A", "--", "(null)"])
def test_a_word_for_nothing_is_no_word_of_consent(shipped, nothing):
    rows = shipped("crm_contacts", csv_of(CONTACT | {"consent_email": nothing}))
    assert (one(rows, "contact")["consents"], one(rows, "file")["reason"]) == (None, None)


def test_a_word_that_nobody_knows_is_told_and_one_that_says_nothing_is_not(shipped):
    contacts = [CONTACT | {"contact_id": str(number), "consent_email": word} for number, word in enumerate(("plus jamais", "si, si", "pending", "yes"))]
    rows = shipped("crm_contacts", csv_of(*contacts))
    assert [row["consents"] for row in rows["contact"]] == [None, None, None, (("email_marketing", True),)]
    reason = one(rows, "file")["reason"]
    assert reason.startswith("column 'consent_email': 2 records say of email_marketing")
    assert "jamais" not in reason


@pytest.mark.parametrize(("type", "verb", "said"), [
    ("Unsubscribed from SMS Marketing", "consent", (("sms_marketing", False),)), ("Unsubscribed from SMS", "consent", (("sms_marketing", False),)),
    ("Consented to Receive SMS", "consent", (("sms_marketing", True),)), ("Subscribed to Email Marketing", "consent", (("email_marketing", True),)),
    ("Unsubscribed from Email Marketing", "email_unsubscribe", None), ("Opened Email", "email_open", None)])
def test_a_subscription_in_the_mailing_tool_is_of_its_own_purpose(shipped, type, verb, said):
    row = one(shipped("klaviyo_events", csv_of({"id": "1", "person_id": "p", "datetime": "2026-03-01 10:00:00", "type": type})))
    assert (row["event_name"], row["consents"]) == (verb, said)


@pytest.mark.parametrize(("values", "verb", "said"), [
    ({"type": "STATUSCHANGE"}, "email_unsubscribe", None), ({"type": "STATUSCHANGE", "portal_subscription_status": ""}, "email_unsubscribe", None),
    ({"type": "STATUSCHANGE", "portal_subscription_status": "UNSUBSCRIBED"}, "email_unsubscribe", None),
    ({"type": "STATUSCHANGE", "portal_subscription_status": "SUBSCRIBED"}, "consent", (("email_marketing", True),)),
    ({"type": "OPEN", "filtered_event": "true"}, "other", None), ({"type": "CLICK", "filtered_event": "TRUE"}, "other", None),
    ({"type": "OPEN", "filtered_event": "false"}, "email_open", None), ({"type": "SENT", "filtered_event": "true"}, "email_sent", None)])
def test_a_change_of_status_says_its_direction_and_a_scanner_opens_nothing(shipped, values, verb, said):
    row = one(shipped("hubspot_email_events", csv_of({"id": "1", "created": "2026-03-01 10:00:00", "recipient": "a@b.fr"} | values)))
    assert (row["event_name"], row["consents"]) == (verb, said)


@pytest.mark.parametrize(("written", "kept"), [("", True), ("f", True), ("0", True), ("no", True), ("FALSE", True), ("t", False), ("1", False), ("true", False)])
def test_a_rule_that_asks_for_no_takes_every_way_to_write_it(shipped, written, kept):
    order = {"id": "1", "customer_id": "7", "email": "a@b.fr", "created_at": "2026-03-01 09:00:00", "total_price": "10", "test": written}
    rows = shipped("shopify_orders", csv_of(order))
    assert ("event" in rows) is kept


def test_the_number_of_an_order_is_of_the_country_of_its_bill(shipped, keys):
    order = {"id": "1", "customer_id": "7", "email": "a@b.fr", "created_at": "2026-03-01 09:00:00", "total_price": "10",
             "billing_address_phone": "(212) 555-0147", "billing_address_country_code": "US"}
    vault = shipped("shopify_orders", csv_of(order))["vault"]
    assert [keys.open(row["sealed"]) for row in vault if row["field"] == "phone"] == [b"+12125550147"]


ECOMMERCE = "com.snowplowanalytics.snowplow.ecommerce"


def entities(*given):
    """The contexts of a hit, as Snowplow's enrichment writes them: without blanks."""
    data = [{"schema": f"iglu:{ECOMMERCE}/{name}/jsonschema/1-0-0", "data": entity} for name, entity in given]
    return json.dumps({"schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1", "data": data}, separators=(",", ":"))


def action(type, *given):
    """What the plugin for e-commerce sends of an action, with its entities."""
    event = {"schema": f"iglu:{ECOMMERCE}/snowplow_ecommerce_action/jsonschema/1-0-2", "data": {"name": "x", "type": type}}
    unstruct = {"schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0", "data": event}
    return {"event": "unstruct", "event_name": "snowplow_ecommerce_action", "event_vendor": ECOMMERCE,
            "unstruct_event": json.dumps(unstruct, separators=(",", ":")), "contexts": entities(*given)}


TEE = ("product", {"name": "Tee {new}", "id": "P1", "category": "Mens", "price": 10.5, "quantity": 2, "currency": "USD"})
CAP = ("product", {"id": "P2", "category": "Caps", "price": 4, "currency": "USD"})


def test_an_order_told_by_snowplows_plugin_is_a_purchase_with_its_products(snowplow):
    order = ("transaction", {"payment_method": "card", "transaction_id": "T1", "revenue": 25.5, "total_quantity": 3, "currency": "USD"})
    row = snowplow(**action("transaction", order, TEE, CAP))
    assert (row["event_name"], row["order_id"], row["amount"], row["currency"]) == ("purchase", "T1", Decimal("25.50"), "USD")
    assert row["items"] == (("P1", "Mens", 2, Decimal("21.00")), ("P2", "Caps", None, None))


def test_a_refund_told_by_snowplows_plugin_bears_its_order_and_amount(snowplow):
    row = snowplow(**action("refund", ("refund", {"transaction_id": "T1", "refund_amount": 10, "currency": "GBP"})))
    assert (row["event_name"], row["order_id"], row["amount"], row["currency"]) == ("refund", "T1", Decimal("10.00"), "GBP")


@pytest.mark.parametrize(("type", "verb"), [
    ("product_view", "product_view"), ("add_to_cart", "add_to_cart"), ("remove_from_cart", "remove_from_cart"), ("checkout_step", "begin_checkout"),
    ("trns_error", "payment_error"), ("list_view", "other"), ("promo_click", "other")])
def test_an_action_of_snowplows_plugin_is_the_verb_of_its_type(snowplow, type, verb):
    row = snowplow(**action(type, CAP, ("cart", {"total_value": 4, "currency": "USD", "category": "none of its"})))
    assert (row["event_name"], row["amount"], row["items"]) == (verb, None, (("P2", "Caps", None, None),) if type in ("product_view", "add_to_cart", "remove_from_cart") else None)


def test_a_product_shown_on_a_page_is_read_whatever_comes_first_in_it(snowplow):
    seen = snowplow(event="page_view", event_name="page_view", contexts=entities(("product", {"name": "Tee", "id": "P1"}), ("cart", {"category": "none of its"})))
    assert (seen["event_name"], seen["items"]) == ("product_view", (("P1", None, None, None),))


def test_half_a_character_in_a_context_costs_its_hit_alone(snowplow, shipped, settings):
    columns = settings.sources.specs["snowplow_web"].columns
    hit = {"platform": "web", "collector_tstamp": "2026-03-01 10:00:01", "dvce_created_tstamp": "2026-03-01 10:00:00", "event_id": "e1", "domain_userid": "d1",
           "event": "page_view", "event_name": "page_view", "contexts": entities(("product", {"id": "P1", "category": "Cadeaux \ud83d"}))}
    rows = shipped("snowplow_web", "\t".join(hit.get(c, "") for c in columns) + "\n", "a.tsv")
    assert one(rows, "quarantine")["rule"] == "bad_encoding"


@pytest.mark.parametrize(("products", "items"), [
    ("Mode;Robe^; 2;1;59.90", (("Robe; 2", "Mode", 1, Decimal("59.90")),)), ("Mode;Robe^, rouge;1;59.90", (("Robe, rouge", "Mode", 1, Decimal("59.90")),)),
    (";A^^;1;5.00,;B^=;1;6.00", (("A^", None, 1, Decimal("5.00")), ("B=", None, 1, Decimal("6.00")))),
    (";P1;1;59.90;event5=1;eVar3=rouge^,1", (("P1", None, 1, Decimal("59.90")),))])
def test_what_adobe_escaped_inside_a_product_parts_nothing(shipped, products, items):
    row = one(adobe(shipped, {"post_event_list": "1", "post_product_list": products}))
    assert (row["items"], row["amount"]) == (items, sum(amount for *_, amount in items))


def test_adobe_products_worth_more_than_an_amount_can_be_are_refused(shipped):
    rows = adobe(shipped, {"post_event_list": "1", "post_product_list": ";P;1;9999999999999999,;P2;1;9999999999999999"})
    assert one(rows, "quarantine")["rule"] == "bad_number"


def test_a_shopify_id_is_one_number_however_it_was_exported(shipped):
    order = {"id": "5123", "customer_id": "694", "email": "", "created_at": "2026-03-01 09:00:00", "total_price": "10"}
    floats = order | {"id": "5123.0", "customer_id": "694.0"}
    global_ids = order | {"id": "gid://shopify/Order/5123", "customer_id": "gid://shopify/Customer/694"}
    rows = shipped("shopify_orders", csv_of(order, floats, global_ids))["event"]
    assert {(row["event_id"], row["order_id"]) for row in rows} == {("5123", "5123")}
    assert len({row["identifiers"] for row in rows}) == 1
    lines = shipped("shopify_order_lines", csv_of(*({"id": "1", "order_id": id} for id in ("5123.0", "gid://shopify/Order/5123"))))["reference"]
    assert {json.loads(row["attributes"])["order_id"] for row in lines} == {"5123"}


def test_a_product_that_ga4_has_not_set_is_none_and_a_weight_is_one_piece(shipped):
    items = [{"item_id": "(not set)", "price": 5, "quantity": "1"}, {"item_id": "P", "item_category": "(not set)", "price": 10, "quantity": "1.5"}]
    assert one(shipped("ga4_content", ga4(event_name="purchase", items=items), "a.jsonl"))["items"] == (("P", None, 1, Decimal("15.00")),)


def test_an_event_that_klaviyo_deleted_is_no_open(shipped):
    events = [{"id": f"e{deleted}", "person_id": "p", "datetime": "2026-03-01 10:00:00", "type": "Opened Email", "_fivetran_deleted": deleted} for deleted in ("true", "FALSE", "")]
    rows = shipped("klaviyo_events", csv_of(*events))
    assert (len(rows["event"]), one(rows, "quarantine")["rule"]) == (2, "deleted_at_source")


@pytest.mark.parametrize(("event", "verb"), [
    ("Completed Order", "purchase"), ("Viewed Product", "product_view"), ("Added Product", "add_to_cart"), ("Removed Product", "remove_from_cart"),
    ("Viewed Product Category", "page_view")])
def test_the_names_that_segment_gave_before_2016_are_known(shipped, event, verb):
    assert one(shipped("segment_app", segment(event=event), "a.jsonl"))["event_name"] == verb


@pytest.mark.parametrize("card", ["0", "000", "\\N", "(null)", "."])
def test_the_card_of_nobody_welds_no_buyers(shipped, card):
    line = {"ticket_id": "T1", "line": "1", "ticket_time": "2026-03-01 10:00:00", "loyalty_card": card, "product_id": "P", "quantity": "1", "unit_price": "20"}
    row = one(shipped("store_tickets", csv_of(line)))
    assert row["identifiers"] == () or [rule for _, rule in row["flaws"]] == ["blocklist"]
