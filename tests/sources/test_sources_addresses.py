"""Addresses and family names: many ways to write one, and what must stay apart."""

import pytest

from wayprint.sources.addresses import family_names, household_ids, place_of, street_of

SAME_STREET = [
    ("12 rue de la République", "12, R. République", "12 RUE DE LA REPUBLIQUE", "12 rue de la République, apt 4", "12 rue  de\u00a0la République"),
    ("3 bis avenue Jean-Jaurès", "3bis av Jean Jaures", "3 B AVE. Jean-Jaurès", "Bât 2, 3 bis avenue Jean-Jaurès"),
    ("8 boulevard du Général-Leclerc", "8 bd Gal Leclerc", "8 BLD DU GENERAL LECLERC", "8 Blvd. Général Leclerc esc B"),
    ("1 place Sainte-Anne", "1 pl Ste Anne", "1, Place Ste-Anne"),
    ("40 chemin du Moulin", "40 ch. du Moulin", "40 Che du moulin"),
    ("7 rue Saint-Honoré", "7 r St Honore", "7 RUE ST-HONORÉ"),
    ("La Ferme d'Œuf, lieu-dit Cœur", "La ferme d oeuf LIEU DIT COEUR"),
]


@pytest.mark.parametrize("written", SAME_STREET)
def test_one_street_in_many_ways_is_one(written):
    assert len({street_of(text) for text in written}) == 1


def test_streets_that_differ_stay_apart():
    told = [street_of(texts[0]) for texts in SAME_STREET]
    others = ["12 ter rue de la République", "12 avenue de la République", "21 rue de la République", "12 rue République Saint", "b rue de la République"]
    assert len({*told, *map(street_of, others)}) == len(told) + len(others)


def test_a_letter_is_a_suffix_after_the_number_only():
    assert street_of("5 B rue T") == "5 bis rue t"
    assert street_of("5 rue B") == "5 rue b"


@pytest.mark.parametrize(("text", "names"), [
    ("Martin", ("martin",)), ("  LEFÈVRE ", ("lefevre",)), ("Dupont-Martin", ("dupont", "martin")), ("MARTIN DUPONT", ("dupont", "martin")),
    ("Martin--Dupont", ("dupont", "martin")), ("Dupont née Martin", ("dupont", "martin")), ("Vve Martin", ("martin",)), ("de La Fontaine", ("delafontaine",)),
    ("Le Roy", ("leroy",)), ("d'Arc", ("darc",)), ("O'Brien", ("obrien",)), ("St-Martin", ("saintmartin",)), ("Saint Martin", ("saintmartin",)),
    ("Müller", ("muller",)), ("J. Petit", ("petit",)), ("-", ()), ("", ()), ("van der Berg", ("vanderberg",))])
def test_family_names(text, names):
    assert family_names(text) == names


def test_a_place_is_its_postal_code_and_without_one_its_city():
    assert place_of("75 011", "PARIS 11") == place_of("75011", "Paris") != place_of("75018", "Paris")
    assert place_of(None, "ST ETIENNE CEDEX 2") == place_of("", "Saint-Étienne")


def test_hashes_need_name_street_and_place_and_change_with_each_and_with_the_key(keys):
    def ids(name="Martin", street="1 rue A", code="75011", city="Paris", under=keys):
        return household_ids(under, *(None if text is None else under.seal(text.encode()) for text in (name, street, code, city)))

    address, (family,) = ids()
    other = type(keys)(b"\x02" * 32, b"\x11" * 32)
    assert ids(city="Lyon") == (address, [family])
    assert ids(code=None) != ids()
    assert ids(street="--") == ids(code=None, city=None) == (None, [])
    assert ids(name="J") == (address, [])
    changed = [ids(name="Petit"), ids(street="2 rue A"), ids(code="75018"), ids(under=other)]
    assert len({family, *(families[0] for _, families in changed)}) == 5
    assert len({address, *(where for where, _ in changed)}) == 4
    assert ids("Martin-Petit")[1] == sorted([family, ids(name="Petit")[1][0]])
