"""Values: read exactly or refused in words that never repeat them."""

import datetime as dt
import random
from decimal import Decimal

import pandas as pd
import pytest

from wayprint.sources.convert import Refused, Times, converters, product, region, shape, text

UTC = converters(Times("UTC", 2000, 2035))
PARIS = converters(Times("Europe/Paris", 2000, 2035))


def micros(when: str) -> int:
    return pd.Timestamp(when).value // 1_000


@pytest.mark.parametrize(("given", "utc"), [
    ("2026-01-31 12:00:00", "2026-01-31 12:00:00"), ("2026-01-31T12:00:00Z", "2026-01-31 12:00:00"), ("2026-01-31", "2026-01-31"),
    ("2020-09-12 00:15:10.199", "2020-09-12 00:15:10.199"), ("2026-01-31T12:00:00.123456+02:00", "2026-01-31 10:00:00.123456"),
    ("2023-07-18 12:43:52 UTC", "2023-07-18 12:43:52"), ("20260131T120000Z", "2026-01-31 12:00:00"), ("20260131", "2026-01-31"),
    ("2026-01-31 12:00:00+0200", "2026-01-31 10:00:00")])
def test_times_are_microseconds_utc(given, utc):
    assert UTC["time"](given) == micros(utc)


def test_a_time_without_zone_is_in_the_zone_of_its_source_in_summer_and_winter():
    for local in pd.date_range("2026-01-01 10:30", "2026-12-31", freq="12h"):
        assert PARIS["time"](str(local)) == local.tz_localize("Europe/Paris").value // 1_000


def test_of_an_hour_that_comes_twice_the_first_is_meant():
    assert PARIS["time"]("2026-10-25 02:30:00") == micros("2026-10-25 00:30:00")


@pytest.mark.parametrize(("how", "given"), [("unix_s", "1767225600"), ("unix_ms", "1767225600000"), ("unix_us", "1767225600000000"),
    ("unix_s", "1767225600.0")])
def test_counts_since_1970(how, given):
    assert UTC[how](given) == micros("2026-01-01")


@pytest.mark.parametrize(("how", "given", "rule"), [
    ("time", "31/01/2026", "bad_time"), ("time", "douze", "bad_time"), ("time", "2026-13-45 99:99:99", "bad_time"),
    ("time", "1970-01-01", "out_of_range"),
    ("time", "2099-12-31", "out_of_range"), ("time", "0001-01-01T00:00:00+14:00", "out_of_range"), ("unix_us", "2026-01-01", "bad_time"),
    ("unix_s", "0", "out_of_range"),
    ("time", "20260301103015250", "bad_time"), ("time", "2026-03-01+02:00", "bad_time"), ("time", "2026-03-01 UTC", "bad_time"),
    ("time", "2026-03-01_10:00", "bad_time"), ("day", "2026-03-01 - 2026-03-31", "bad_time"), ("day", "2026-03-01 2026-03-31", "bad_time"),
    ("day", "2026-03-015", "bad_time"), ("day", "2026-03-01;x", "bad_time"), ("unix_s", "-99999999999", "out_of_range"),
    ("number", "1e400", "bad_number"), ("id", "5.12346E+12", "bad_id"), ("id", "3.00e+12", "bad_id"), ("id", "6E+12", "bad_id"),
    ("id", "1.2E+18_3.4E+18", "bad_id"), ("whole", "5.12346E+12", "bad_id"), ("currency", "$", "bad_currency"), ("currency", "euro", "bad_currency"),
    ("currency", "E1R", "bad_currency"),
    ("unix_s", "9" * 17, "out_of_range"), ("day", "2026-02-30", "bad_time"), ("day", "1969-07-20", "out_of_range"),
    ("money", "1,50", "bad_number"), ("money", "NaN", "bad_number"),
    ("money", "1_000", "bad_number"), ("money", "١٢", "bad_number"), ("money", "1e999", "bad_number"), ("money", "1e17", "bad_number"),
    ("long", "1.5", "bad_number"),
    ("long", "9223372036854775808", "bad_number"), ("int", "2147483648", "bad_number"), ("flag", "peut-être", "bad_flag")])
def test_what_cannot_be_read_is_refused_by_name_and_not_repeated(how, given, rule):
    with pytest.raises(Refused) as caught:
        UTC[how](given)
    assert caught.value.rule == rule
    assert given not in caught.value.reason or rule == "out_of_range"


def test_a_pattern_of_its_own_reads_the_times_of_its_source():
    assert converters(Times("UTC", 2000, 2035), "%d/%m/%Y %H:%M")["time"]("31/01/2026 12:00") == micros("2026-01-31 12:00")


def test_amounts_are_exact_and_round_half_to_even_as_banks_do():
    rng = random.Random(1)
    for _ in range(500):
        cents = rng.randint(-10**9, 10**9)
        assert UTC["money"](f"{Decimal(cents).scaleb(-2)}") == Decimal(cents).scaleb(-2)
        assert UTC["micros"](str(cents)) == Decimal(cents).scaleb(-6)
    assert [UTC["money"](t) for t in ("0.005", "0.015", "-0.005")] == [Decimal("0.00"), Decimal("0.02"), Decimal("0.00")]


def test_quantity_times_price_less_discount():
    assert product(["2", "9.99", "1.00"]) == Decimal("18.98")
    assert product(["-2", "9.99", "-1.00"]) == Decimal("-18.98")
    assert product(["3", "2.5"]) == Decimal("7.50")


def test_whole_numbers_that_went_through_a_table_of_floats_are_whole_again():
    assert UTC["whole"]("17850.0") == "17850"


@pytest.mark.parametrize(("how", "given", "value"), [
    ("country", "fr", "FR"), ("country", "France", "FR"), ("country", "États-Unis", "US"), ("country", "royaume uni", "GB"), ("country", "UK", "GB"),
    ("country", "CHE", "CH"), ("country", "Belgium", "BE"), ("country", "Atlantide", None), ("language", "fr-FR", "fr"), ("language", "français", None), ("postal_area", "75011", "75"),
    ("postal_area", "d41d8cd98f00b204e9800998ecf8427e", None), ("birth_year", "1991-08-19", 1991), ("birth_year", "19/08/1991", 1991),
    ("birth_year", "19850315", 1985), ("birth_year", "15031985", None), ("birth_year", "20031985", None), ("birth_year", "n.c.", None), ("postal_area", "NULL", None),
    ("postal_area", "\\N", None), ("flag", "Oui", True), ("flag", "0", False)])
def test_traits_are_made_coarse(how, given, value):
    assert UTC[how](given) == value


@pytest.mark.parametrize(("given", "kept"), [
    ("A-17", "A-17"), ("6940095971473.0", "6940095971473"), ("gid://shopify/Customer/6940095971473", "6940095971473"), ("1.5", "1.5"), ("a.0", "a.0"),
    ("gid://shopify/Order/new", "gid://shopify/Order/new")])
def test_an_id_is_as_sent_but_for_what_tables_and_vendors_wrap_around_it(given, kept):
    assert UTC["id"](given) == kept


@pytest.mark.parametrize(("given", "code"), [("eur", "EUR"), ("€", "EUR"), ("£", "GBP"), ("(not set)", None), ("NaN", None)])
def test_a_currency_is_its_code(given, code):
    assert UTC["currency"](given) == code


@pytest.mark.parametrize(("given", "pieces"), [("3", 3), ("2.0", 2), ("-1", -1), ("0.350", 1), ("-1.5", -1)])
def test_a_weight_is_one_piece_bought_or_returned(given, pieces):
    assert UTC["pieces"](given) == pieces


@pytest.mark.parametrize(("given", "code"), [("BE", "BE"), ("Suisse", "CH"), ("Atlantide", "ZZ"), ("N/A", None), ("\\N", None)])
def test_a_country_that_is_given_and_not_understood_is_not_none(given, code):
    assert region(given) == code


def test_no_text_column_holds_an_address():
    assert text("order for jeanne.dupont@example.fr please") == "order for <email> please"
    assert text("jeanne.dupont%40example.fr") == "<email>"
    assert text("meet @ noon") == "meet @ noon"


def test_a_shape_tells_the_form_and_not_the_value():
    assert shape("12/13/1999") == "'99/99/9999'"
    assert "é" not in shape("Éloïse 42")
    assert "characters" in shape("x" * 100)


def test_days_keep_the_date_as_written():
    assert UTC["day"]("2020-04-06 00:00:00") == dt.date(2020, 4, 6)
