"""The same person's address, number or card is the same text in every source; what cannot name anybody is no identifier."""

import base64
import hashlib
import random

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email

from wayprint.sources.identifiers import canonical, identifier


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_an_address_in_any_case_and_its_hash_are_one_identifier():
    known = ("email", sha("jeanne.dupont@example.fr"))
    for given in (" Jeanne.Dupont@Example.FR ", known[1], known[1].upper(), "ｊeanne.dupont@example.fr", "mailto:jeanne.dupont@example.fr",
                  base64.b64encode(bytes.fromhex(known[1])).decode()):
        assert canonical("email", given, "FR") == known


def test_an_md5_is_another_type_for_it_cannot_meet_the_clear_address():
    digest = hashlib.md5(b"jeanne@example.fr", usedforsecurity=False).hexdigest()
    assert canonical("email", digest, "FR") == ("email_md5", digest)
    assert canonical("email", base64.b64encode(bytes.fromhex(digest)).decode(), "FR") == ("email_md5", digest)


@pytest.mark.parametrize("given", ["06 12 34 56 78", "+33 6 12 34 56 78", "0033612345678", "06.12.34.56.78", "+33 (0)6 12 34 56 78"])
def test_a_phone_number_is_e164_however_it_is_written(given):
    assert canonical("phone", given, "FR") == ("phone", "+33612345678")


def test_a_number_without_prefix_is_read_as_of_the_country_of_its_source():
    assert canonical("phone", "(415) 555-0132", "US") == ("phone", "+14155550132")


@pytest.mark.parametrize("given", ["+32 470 12 34 56", "0032470123456"])
def test_of_an_unknown_country_only_a_number_with_its_prefix_is_one(given):
    assert canonical("phone", given, "ZZ") == ("phone", "+32470123456")
    assert canonical("phone", "0470 12 34 56", "ZZ") is None


@pytest.mark.parametrize(("type", "given", "plain"), [
    ("email", "\u200bana@x.fr", "ana@x.fr"), ("email", "ana@x.fr\ufeff", "ana@x.fr"), ("phone", "\u202a+33612345678\u202c", "+33612345678"),
    ("loyalty_card", "\ufeffC1", "C1")])
def test_characters_that_nobody_sees_are_no_part_of_an_identifier(type, given, plain):
    assert canonical(type, given, "FR") == canonical(type, plain, "FR")


@pytest.mark.parametrize("nothing", ["", "  ", "null", "NULL", "None", "nan", "undefined", "N/A", "\\N", "#N/A", "(null)", "<NULL>", "[null]", "--", "."])
@pytest.mark.parametrize("type", ["email", "phone", "login", "maid"])
def test_what_systems_write_for_nothing_is_no_identifier(type, nothing):
    assert canonical(type, nothing, "FR") is None


@pytest.mark.parametrize(("type", "junk"), [
    ("email", "test@test.com"), ("email", hashlib.sha256(b"").hexdigest()), ("email", hashlib.md5(b"", usedforsecurity=False).hexdigest()),
    ("phone", "0000000000"), ("maid", "00000000-0000-0000-0000-000000000000")])
def test_junk_passes_for_identity_blocks_it_where_it_can_be_audited(type, junk):
    assert canonical(type, junk, "FR") is not None


@pytest.mark.parametrize(("type", "broken"), [
    ("email", "jeanne"), ("email", "jeanne@"), ("email", "@example.fr"), ("email", "a@b@c.fr"), ("email", "a..b@example.fr"),
    ("email", "jeanne@localhost"),
    ("email", "je anne@example.fr"), ("email", "x" * 300 + "@example.fr"), ("email", "abc123"), ("phone", "12"),
    ("phone", "d41d8cd98f00b204e9800998ecf8427e"),
    ("phone", "CALL-ME-NOW"), ("phone", "lhSxFSIlF521nS7wt6dXtQ=="), ("phone", "1" * 40)])
def test_what_has_not_the_shape_is_no_identifier(type, broken):
    assert canonical(type, broken, "FR") is None


def test_the_clear_value_is_there_only_where_the_source_gave_it():
    assert identifier("email", "Jeanne@Example.fr", "FR").clear == "jeanne@example.fr"
    assert identifier("email", sha("jeanne@example.fr"), "FR").clear is None
    assert identifier("phone", "0612345678", "FR").clear == "+33612345678"


def test_addresses_are_judged_as_the_library_for_addresses_judges_them():
    rng, alphabet = random.Random(7), "ab1.-_+@é' "
    differ = []
    for _ in range(4_000):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 8))) + rng.choice(("@example.fr", "@mail.example.co.uk",
            "@-bad.fr", "@é.fr", "@a_b.fr", ""))
        try:
            validate_email(text.strip().lower(), check_deliverability=False)
            right = True
        except EmailNotValidError:
            right = False
        if right != (canonical("email", text, "FR") is not None and "@" in text):
            differ.append(text)
    assert differ == []


def test_numbers_agree_with_the_library_for_numbers():
    rng = random.Random(3)
    for _ in range(500):
        number = f"0{rng.randint(1, 9)}{rng.randint(0, 99_999_999):08d}"
        assert canonical("phone", number, "FR") == ("phone", phonenumbers.format_number(phonenumbers.parse(number, "FR"),
            phonenumbers.PhoneNumberFormat.E164))
