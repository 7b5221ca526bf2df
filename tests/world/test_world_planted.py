"""Every fault that planted.csv tells of stands in the files, and is what it is said to be."""

from __future__ import annotations

import json

import pandas as pd
import pytest

KINDS = {
    "family_tablet", "store_kiosk", "junk_identifier", "bot", "exact_duplicate", "other_payload", "second_tracker", "late",
    "skewed_clock", "malformed", "payment_incident", "duplicate_contact",
    "channel_break", "complaint_wave"}


@pytest.fixture(scope="module")
def planted(written):
    return written.truth("planted")


def keys(planted: pd.DataFrame, kind: str) -> list[str]:
    return planted.loc[planted["kind"] == kind, "key"].tolist()


def test_every_kind_is_planted_under_its_rule(planted):
    assert set(planted["kind"]) == KINDS
    rules = planted.groupby("kind")["expected_rule"].agg(lambda r: sorted(set(r))).to_dict()
    assert rules["bot"] == ["bot_agent", "bot_rate"]
    assert rules["malformed"] == ["bad_number", "bad_time", "malformed"]
    assert rules["second_tracker"] == ["other_tracker"]


def test_a_family_tablet_is_one_cookie_with_the_logins_told(hits, planted):
    named = hits[(hits["user_id"] != "") & (hits["user_id"] != "null")]
    for _, cookie, logins, _ in planted[planted["kind"] == "family_tablet"].itertuples(index=False):
        assert sorted(set(named.loc[named["domain_userid"] == cookie, "user_id"])) == logins.split()
        assert len(logins.split()) >= 2


def test_a_store_kiosk_is_one_visitor_with_three_logins_or_more(written, planted):
    from wayprint.world.kiosk import HEADERS

    rows = pd.DataFrame([line.split("\t") for line in written.good("adobe_kiosk", ".tsv.gz")], columns=HEADERS)
    rows["visitor"] = rows["post_visid_high"] + "_" + rows["post_visid_low"]
    logins = rows[rows["post_cust_visid"] != ""].groupby("visitor")["post_cust_visid"].nunique()
    told = planted[planted["kind"] == "store_kiosk"].set_index("key")["detail"]
    assert told.to_dict() == {v: f"{n} logins" for v, n in logins[logins >= 3].items()}


def test_junk_identifiers_stand_in_the_files(written, planted):
    text = "".join(line for folder in ("snowplow_web", "crm_contacts", "klaviyo_people", "shopify_customers", "service_tickets")
        for _, _, line in written.lines(folder))
    junk = keys(planted, "junk_identifier")
    assert set(junk) == {"d41d8cd98f00b204e9800998ecf8427e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "test@test.com", "null", "0000000000", "+33000000000"}
    assert [value for value in junk if value not in text] == []
    shown = written.truth("identifiers")
    assert set(shown.loc[shown["is_junk"], "value"]) == set(junk)
    # Junk is dangerous because it joins people.
    assert (shown[shown["is_junk"]].groupby("value")["true_person"].nunique() > 1).sum() >= 5


def test_robots_read_by_agent_or_by_speed(hits, planted):
    for _, cookie, _, rule in planted[planted["kind"] == "bot"].itertuples(index=False):
        mine = hits[hits["domain_userid"] == cookie]
        span = pd.to_datetime(mine["dvce_created_tstamp"]).sort_values()
        if rule == "bot_agent":
            assert mine["useragent"].str.contains("Googlebot").all()
        else:
            assert not mine["useragent"].str.contains("bot").any()
            assert len(mine) / (span.iloc[-1] - span.iloc[0]).total_seconds() > 2


def test_an_exact_duplicate_is_the_same_line_twice(written, planted):
    lines = pd.Series(written.good("snowplow_web") + written.good("segment_app")).value_counts()
    ids = lines[lines > 1].index.map(lambda line: json.loads(line)["messageId"] if line.startswith("{") else line.split("\t")[6])
    assert set(keys(planted, "exact_duplicate")) == set(ids)


def test_another_payload_comes_under_the_same_event_id(written, planted):
    hits = pd.DataFrame({"line": pd.Series(written.good("snowplow_web")).unique()})
    hits["id"] = hits["line"].str.split("\t").str[6]
    twice = hits.groupby("id").size()
    assert set(twice[twice > 1].index) == set(keys(planted, "other_payload"))


def test_a_second_tracker_sees_the_same_hit_within_two_seconds(hits, planted):
    once = hits.drop_duplicates("event_id").set_index("event_id")
    told = planted[planted["kind"] == "second_tracker"]
    second, first = once.loc[told["key"]], once.loc[told["detail"]]
    assert (second["name_tracker"] == "sp2").all()
    assert (first["name_tracker"] == "sp").all()
    assert (second["domain_userid"].to_numpy() == first["domain_userid"].to_numpy()).all()
    assert (second["page_url"].to_numpy() == first["page_url"].to_numpy()).all()
    gap = pd.to_datetime(second["dvce_created_tstamp"]).to_numpy() - pd.to_datetime(first["dvce_created_tstamp"]).to_numpy()
    assert (gap > pd.Timedelta(0)).all()
    assert (gap < pd.Timedelta(seconds=2)).all()
    assert (hits["name_tracker"] == "sp2").sum() == len(told)


def test_late_hits_come_in_the_file_of_their_arrival_up_to_90_days_after(written, planted):
    late = set(keys(planted, "late"))
    waits = []
    for file, number, line in written.lines("snowplow_web"):
        fields = line.split("\t")
        if len(fields) != 131 or f"{file}:{number}" in written.malformed:
            continue
        if fields[6] in late:
            assert file == f"snowplow_web/{fields[3][:10]}.tsv.gz"
            waits.append(pd.Timestamp(fields[119]) - pd.Timestamp(fields[4]))
    assert len(waits) >= len(late) > 20
    assert min(waits) > pd.Timedelta(days=1)
    assert pd.Timedelta(days=20) < max(waits) <= pd.Timedelta(days=91)


def test_a_wrong_clock_is_wrong_by_the_same_amount_when_it_sends(hits, planted):
    told = planted[planted["kind"] == "skewed_clock"].set_index("key")["detail"].str.removesuffix(" s").astype(int)
    mine = hits[hits["domain_userid"].isin(told.index)]
    created, sent, collected = (pd.to_datetime(mine[c]) for c in ("dvce_created_tstamp", "dvce_sent_tstamp", "collector_tstamp"))
    off = (sent - collected).dt.total_seconds()
    assert ((off - mine["domain_userid"].map(told)).abs() < 2).all()
    # What the vendor's formula makes of it is the true time: collected minus the wait on the device.
    assert ((pd.to_datetime(mine["derived_tstamp"]) - (collected - (sent - created))).abs() <= pd.Timedelta(milliseconds=1)).all()
    others = hits[~hits["domain_userid"].isin(told.index)]
    assert ((pd.to_datetime(others["dvce_sent_tstamp"]) - pd.to_datetime(others["collector_tstamp"])).abs() < pd.Timedelta(seconds=2)).all()


def test_a_malformed_line_is_wrong_as_told_and_hides_no_good_one(written):
    bad, texts = written.malformed, {}
    for folder in ("snowplow_web", "segment_app", "klaviyo_events", "store_tickets", "ads_google"):
        texts |= {f"{file}:{number}": line for file, number, line in written.lines(folder) if f"{file}:{number}" in bad}
    assert len({key.split("/")[0] for key in texts}) == 5
    for key, line in texts.items():
        if bad[key] == "bad_time":
            assert "2026-13-45 99:99:99" in line
        elif bad[key] == "bad_number":
            assert "douze" in line
        elif key.startswith("segment"):
            with pytest.raises(json.JSONDecodeError):
                json.loads(line)
        else:
            separator, width = ("\t", 131) if key.startswith("snowplow") else (",", {"k": 100, "s": 11, "a": 21}[key[0]])
            assert len(line.split(separator)) != width
    good = {line.split("\t")[6] for line in written.good("snowplow_web")}
    assert not [key for key, line in texts.items() if key.startswith("snowplow") and line.split("\t")[6] in good]


def test_a_duplicate_contact_is_the_same_person_and_shares_no_identifier_with_the_first(written, planted):
    told = written.truth("duplicate_contacts")
    pairs = dict(zip(told["duplicate_contact_id"], told["contact_id"], strict=True))
    assert pairs == planted[planted["kind"] == "duplicate_contact"].set_index("key")["detail"].to_dict()
    assert 0.02 < len(pairs) / len(written.truth("persons")) < 0.06
    rows = written.table("crm_contacts").assign(phone=lambda c: c["phone"].str.replace(" ", "").str.replace(r"^0(?=[67])", "+33", regex=True))
    ids = [rows[["email", "phone", "loyalty_card", "customer_login"]].replace({"test@test.com": "", "0000000000": ""})[rows["contact_id"] == one]
           for pair in pairs.items() for one in pair]
    shown = [{value.lower() for value in found.to_numpy().ravel() if value} for found in ids]
    assert not any(second & first for second, first in zip(shown[::2], shown[1::2], strict=True))
    seen = written.truth("identifiers")
    owners = pd.concat([seen, written.truth("untied_identifiers")]).query("type == 'crm_id'").set_index("value")["true_person"].to_dict()
    assert all(owners[second] == owners[first] for second, first in pairs.items())
    assert set(told["name"]) >= {"same", "accents_lost", "typo", "initial", "maiden_name", "swapped"}
    assert set(told["address"]) == {"same", "abbreviated", "moved"}
    assert set(told["phone"]) == {"missing", "wrong_digit"}
