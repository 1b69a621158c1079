"""Where a connection came from, as people read it."""

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from domain.values import LOCALES
from infrastructure.places import Places

BIENNE = {
    "city": {"names": {"fr": "Bienne", "de": "Biel", "en": "Biel/Bienne"}},
    "country": {"names": {"fr": "Suisse", "de": "Schweiz", "en": "Switzerland"}},
}
ABROAD = {"country": {"names": {"en": "Iceland"}}}


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> Places:
    file = tmp_path_factory.mktemp("map") / "towns.mmdb"
    towns = MMDBWriter(ip_version=4, languages=list(LOCALES))
    towns.insert_network(IPSet(["203.0.114.0/24"]), BIENNE)
    towns.insert_network(IPSet(["198.52.100.0/24"]), ABROAD)
    towns.to_db_file(str(file))
    return Places(file)


@pytest.mark.parametrize(
    ("network", "locale", "name"),
    [
        ("203.0.114.7", "fr", "Bienne, Suisse"),
        ("203.0.114.7", "de", "Biel, Schweiz"),
        ("198.52.100.1", "fr", "Iceland"),
        ("8.8.8.8", "fr", "8.8.8.8"),
        ("2a02:aa16::1", "fr", "2a02:aa16::1"),
        ("127.0.0.1", "fr", "réseau local"),
        ("10.3.0.1", "de", "lokales Netz"),
        ("nonsense", "fr", None),
        ("", "fr", None),
        (None, "fr", None),
    ],
)
def test_a_town_where_the_map_knows_it_else_the_address(places, network, locale, name):
    assert places.name(network, locale) == name


def test_without_a_map_it_is_the_address():
    assert Places().name("203.0.114.7", "fr") == "203.0.114.7"
