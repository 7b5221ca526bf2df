"""Addresses: what may be kept of them, and never their query."""

import pytest

from wayprint.sources.pages import device_type, page, referrer_host

AT = {"event_id": "id", "happened_at": "at"}


def test_an_address_gives_host_path_campaign_and_kind_of_click():
    found = page("https://WWW.Shop.example:443/a/b?utm_source=google&utm_medium=cpc&utm_campaign=%C3%89t%C3%A9&gclid=Cj0&q=secret#frag", (), ("gclid",))
    assert (found.host, found.path, found.utm, found.click_id_type) == ("www.shop.example", "/a/b", ("google", "cpc", "Été", None, None), "gclid")
    assert "secret" not in repr(found)


def test_every_click_id_of_the_channels_is_read_from_an_address(read, settings):
    for name, wanted in [(name, name) for name in settings.events.channels.click_ids] + [("ScCid", "sccid")]:
        (row,) = read(f"id,at,url\n1,2026-01-01,https://shop.example/?a=1&{name}=x%20y\n", columns=["id", "at", "url"], fields=AT, page={"url": "url"},
                      identifiers=[], keys=[])["event"]
        assert row["click_id_type"] == wanted


def test_of_several_click_ids_the_first_of_the_channels_counts():
    assert page("https://shop.example/?fbclid=1&TTCLID=2", (), ("ttclid", "fbclid")).click_id_type == "ttclid"
    assert page("https://shop.example/?fbclid=1&ttclid=", (), ("ttclid", "fbclid")).click_id_type == "fbclid"


def test_an_asked_parameter_is_handed_over_and_no_other():
    assert page("https://shop.example/?eh=abc&email=x", ("eh",)).asked == (("eh", "abc"),)


@pytest.mark.parametrize("path", ["/account/jeanne.dupont@example.fr/orders", "/account/jeanne.dupont%40example.fr/orders"])
def test_an_address_in_the_path_is_taken_out(path):
    assert page(f"https://shop.example{path}").path == "/account/<email>/orders"


def test_an_address_in_a_campaign_is_taken_out():
    assert page("https://shop.example/?utm_content=jeanne@example.fr").utm[3] == "<email>"


@pytest.mark.parametrize("broken", ["http://[::1", "", "not an address", "https://shop.example/?" + "&".join(f"a{n}=1" for n in range(300))])
def test_an_address_that_cannot_be_read_gives_nothing_and_no_error(broken):
    assert page(broken).host in (None, "shop.example")


@pytest.mark.parametrize(("address", "own", "host"), [
    ("https://www.google.com/search?q=x", "shop.example", "www.google.com"), ("https://www.shop.example/a", "shop.example", None),
    ("https://shop.example/", "www.shop.example", None), ("https://checkout.shop.fr/pay", "www.shop.fr", None), ("https://a.shop.co.uk/", "b.shop.co.uk", None),
    ("https://www.blog.co.uk/", "www.shop.co.uk", "www.blog.co.uk"), ("https://myshop.fr/", "shop.fr", "myshop.fr"),
    ("http://10.0.0.1/", "10.1.0.1", "10.0.0.1"), ("http://[2001:db8::1]/", "shop.fr", "2001:db8::1"),
    ("android-app://com.google.android.gm/", None, "com.google.android.gm"), ("", None, None), ("http://[bad", None, None)])
def test_a_referrer_is_another_site_or_none(address, own, host):
    assert referrer_host(address, own) == host


@pytest.mark.parametrize(("agent", "kind"), [
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "mobile"),
    ("Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X)", "tablet"),
    ("Mozilla/5.0 (Linux; Android 15; SM-X910) AppleWebKit/537.36 Chrome/138.0 Safari/537.36", "tablet"),
    ("Mozilla/5.0 (Linux; Android 15; SM-S921B) Mobile Safari", "mobile"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "desktop"), ("curl/8.0", None)])
def test_device_type_by_the_words_of_the_agent(agent, kind):
    assert device_type(agent) == kind
