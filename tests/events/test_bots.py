"""Machines by name and by pace."""

from __future__ import annotations

import random

import pytest

from wayprint.events.bots import busy_days, is_machine

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
SECOND = 1_000_000


@pytest.mark.parametrize("agent", [
    f"{IPHONE} [FBAN/FBIOS;FBAV/455.0.0.38.107;FBBV/579305117;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.4;FBLC/fr_FR]",
    "Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 Chrome/122.0.6261.119 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/454.0.0.49.104;]",
    f"{IPHONE} Instagram 312.0.1.19.124 (iPhone13,2; iOS 16_6; fr_FR; fr; scale=3.00; 1170x2532; 548339486)",
    f"{IPHONE} [Pinterest/iOS]", f"{IPHONE} [LinkedInApp]/9.29.7", f"{IPHONE} GSA/306.0.615471125 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20 PRO) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0.4758.101 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:124.0) Gecko/20100101 Firefox/124.0", "", None])
def test_people_are_not_taken_for_machines_not_even_inside_a_social_app(agent):
    assert not is_machine(agent)


@pytest.mark.parametrize("agent", [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "facebookexternalhit/1.1", "curl/8.4.0",
    "python-requests/2.31.0", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.0; +https://openai.com/gptbot",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36"])
def test_crawlers_monitors_and_scripts_are_machines(agent):
    assert is_machine(agent)


def test_an_http_library_is_forgiven_where_it_is_named_and_a_crawler_is_not(settings):
    libraries = settings.events.app_http_libraries
    assert is_machine("okhttp/4.11.0")
    assert not is_machine("okhttp/4.11.0", libraries)
    assert is_machine("okhttp/4.11.0 Googlebot/2.1", libraries)


def test_exactly_the_limit_within_a_minute_is_not_busy_and_one_more_is():
    minute = [n * 10 * SECOND for n in range(6)]
    assert busy_days(minute, limit=6) == set()
    assert busy_days([*minute, 59 * SECOND], limit=6) == {0}
    assert busy_days([*minute, 60 * SECOND], limit=6) == set()


def test_a_burst_over_midnight_makes_both_days_busy():
    midnight = 86_400 * SECOND
    assert busy_days([midnight - 2, midnight - 1, midnight + 1], limit=2) == {0, 1}


def test_busy_days_equal_a_count_of_every_window():
    draw = random.Random(7)
    for _ in range(200):
        start = 86_400 * SECOND - draw.randrange(400) * SECOND
        times = sorted(start + draw.randrange(600) * SECOND for _ in range(draw.randrange(60)))
        limit = draw.randrange(1, 9)
        busy = set()
        for time in times:
            window = [t for t in times if time <= t < time + 60 * SECOND]
            if len(window) > limit:
                busy |= {t // (86_400 * SECOND) for t in window}
        assert busy_days(times, limit) == busy
