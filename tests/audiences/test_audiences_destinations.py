"""Normalised as each platform says, against hashes that the platforms and their libraries publish."""

from __future__ import annotations

import hashlib
import random
import unicodedata
from typing import Any

import pytest

from wayprint.audiences.destinations import Destination, Rejected

GOOGLE, META = "google_customer_match", "meta_custom_audience"


@pytest.fixture
def cell(shipped: dict[str, Any]) -> Any:
    def build(destination: str, field: str, value: str, country: str = "FR") -> str:
        return Destination(**shipped["destinations"][destination]).cell(field, value, country)

    return build


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(("destination", "field", "value", "country", "published"), [
    (GOOGLE, "email", "  ALEXZ@example.com   ", "US", "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a"),
    (GOOGLE, "phone", "1-800-555-0100   ", "US", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"),
    (GOOGLE, "first_name", "  GivenName  ", "US", "128a07bfe2df877c52076e60d7774cf5baaa046c5a6c48daf30ff43ecca2f814"),
    (GOOGLE, "last_name", "  FamilyName ", "US", "77762c287e61ce065bee5c15464012c6fbe088398b8057627d5577249430d574"),
    (GOOGLE, "email", "Jane.Doe+Shopping@googlemail.com", "US", "338abf9ef1c8793cadc7bcf51ed595338eb727ed9e06ce3d91d566d60b975937"),
    (META, "email", "Jane.Doe+Shopping@googlemail.com", "US", "94789d76aaea8cb4994c57747868a4809bd7da6b6d677c5a2f54bfc9296783a1"),
    (META, "phone", "+1 (510) 555-0011", "US", "d4b7c9f6b02e092351ed7ae8ee8efa8165a96070e1db113c178ce091e3f26387"),
])
def test_published_vectors_come_out(cell: Any, destination: str, field: str, value: str, country: str, published: str) -> None:
    assert cell(destination, field, value, country) == published


def test_french_data_survive(cell: Any) -> None:
    assert cell(META, "city", "Orléans").startswith("85f79e25")  # orleans, not orlans
    assert cell(META, "city", "Bœuf-sur-l'Île") == sha256("boeufsurlile")
    for written in ("06 12 34 56 78", "0033 6 12 34 56 78", "+33 (0)6.12.34.56.78", "+33612345678"):
        assert cell(GOOGLE, "phone", written) == sha256("+33612345678")
        assert cell(META, "phone", written) == sha256("33612345678")
    assert cell(META, "first_name", "Zoë") == sha256("zoë")
    assert cell(META, "first_name", unicodedata.normalize("NFD", "Zoë")) == cell(META, "first_name", "Zoë")
    assert cell(GOOGLE, "first_name", "Jean Paul") == sha256("jeanpaul")
    assert cell(GOOGLE, "last_name", "d'Ormesson-Étienne") == sha256("dormessonétienne")
    assert cell(GOOGLE, "last_name", " van der Berg ") == sha256("van der berg")
    assert cell(GOOGLE, "first_name", " Anna Maria ") == sha256("annamaria")


@pytest.mark.parametrize(("field", "told", "sent"), [
    ("last_name", "van der Berg", "vanderberg"), ("last_name", "Le\u00a0Goff", "legoff"), ("first_name", "Jean Paul", "jeanpaul"), ("first_name", "Jean-Paul", "jeanpaul"),
    ("last_name", "d'Ormesson-Étienne", "dormessonétienne"), ("last_name", " St. John ", "stjohn")])
def test_meta_takes_the_spaces_inside_a_name_away(cell: Any, field: str, told: str, sent: str) -> None:
    assert cell(META, field, told) == sha256(sent)


def test_dots_and_suffixes_fall_for_gmail_and_google_only(cell: Any) -> None:
    assert cell(GOOGLE, "email", "a.b+c@gmail.com") == sha256("ab@gmail.com")
    assert cell(GOOGLE, "email", "a.b+c@orange.fr") == sha256("a.b+c@orange.fr")
    assert cell(GOOGLE, "email", "a.b+c@notgmail.com") == sha256("a.b+c@notgmail.com")
    assert cell(META, "email", "a.b+c@gmail.com") == sha256("a.b+c@gmail.com")
    with pytest.raises(Rejected):
        cell(GOOGLE, "email", "+offers@gmail.com")


def test_postal_codes_and_countries_are_clear_for_google_and_hashed_for_meta(cell: Any) -> None:
    assert (cell(GOOGLE, "country", " fr "), cell(GOOGLE, "postal_code", " 45000 ")) == ("FR", "45000")
    assert [cell(GOOGLE, "country", told) for told in ("uk", "UK", "gb", "el")] == ["GB", "GB", "GB", "GR"]
    assert cell(META, "country", "UK") == sha256("gb")
    assert (cell(META, "country", "FR"), cell(META, "postal_code", "45000")) == (sha256("fr"), sha256("45000"))
    assert cell(META, "postal_code", "94016-1234", "US") == sha256("94016")


@pytest.mark.parametrize(("told", "country", "sent"), [
    ("SW1A 1AA", "GB", "sw1a1"), ("sw1a1", "GB", "sw1a1"), ("SW1A", "GB", "sw1a"), ("M1 1AA", "GB", "m11"), ("m11", "GB", "m11"), ("W1A 0AX", "GB", "w1a0"),
    ("94016-1234", "US", "94016"), ("940161234", "US", "94016"), ("1000-205", "PT", "1000"), ("00-950", "PL", "00"), ("75 001", "FR", "75001")])
def test_meta_reads_a_postal_code_to_the_first_dash_and_a_british_one_to_the_sector(cell: Any, told: str, country: str, sent: str) -> None:
    assert cell(META, "postal_code", told, country) == sha256(sent)


def test_nothing_before_the_dash_is_no_postal_code(cell: Any) -> None:
    with pytest.raises(Rejected, match="no postal code before the first dash"):
        cell(META, "postal_code", "F-75001")


def test_what_is_hashed_already_is_not_hashed_twice(cell: Any) -> None:
    assert cell(META, "email", sha256("a@b.fr").upper()) == sha256("a@b.fr")
    for digest, kind in ((hashlib.md5(b"a@b.fr").hexdigest(), "MD5"), (hashlib.sha1(b"a@b.fr").hexdigest(), "SHA-1")):
        with pytest.raises(Rejected, match=kind):
            cell(META, "email", digest)


@pytest.mark.parametrize("destination", [GOOGLE, META])
@pytest.mark.parametrize(("field", "value"), [
    ("email", ""), ("email", "  "), ("email", "jean"), ("email", "jean@orange"), ("email", "a@b@c.fr"), ("email", "a@b.fr;c@d.fr"),
    ("email", "@b.fr"), ("phone", "0000000000"), ("phone", "12"), ("phone", "bonjour"), ("phone", "+999 12345678"),
    ("first_name", " "), ("last_name", "--"), ("first_name", "-"), ("first_name", "?"),
    ("country", "France"), ("country", "ZZ"), ("country", "eu")])
def test_what_is_empty_or_invalid_is_refused_without_repeating_it(cell: Any, destination: str, field: str, value: str) -> None:
    with pytest.raises(Rejected) as error:
        cell(destination, field, value)
    assert not value.strip() or value not in str(error.value)


def test_a_normalised_value_normalises_to_itself(shipped: dict[str, Any]) -> None:
    draw = random.Random(11)
    letters = "aZ éÉœß'-. +ñ9"
    for name in (GOOGLE, META):
        destination = Destination(**shipped["destinations"][name])
        for _ in range(300):
            word = "".join(draw.choice(letters) for _ in range(draw.randrange(1, 12)))
            for field, value in (("first_name", word), ("last_name", word), ("email", f"{word}@Gmail.com"), ("postal_code", word)):
                try:
                    once = destination.normalise(field, value, "FR")
                except Rejected:
                    continue
                assert destination.normalise(field, once, "FR") == once


def test_a_rule_set_with_an_unknown_step_is_refused(shipped: dict[str, Any]) -> None:
    content = {**shipped["destinations"][META], "fields": {"email": {"steps": ["lowercase"], "hashed": True}}}
    with pytest.raises(ValueError, match="unknown step 'lowercase'"):
        Destination(**content)
