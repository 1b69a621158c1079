"""Which passwords people may choose: long enough, not among the first that are tried, silent about themselves."""

import unicodedata
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import ADA_ID, AURELIE, CLERK, NOON, a_profile, an_account
from signing_in import random_password
from zxcvbn.matching import RANKED_DICTIONARIES

from application.passwords import Passwords
from domain import errors
from domain.account import Account
from infrastructure.password_quality import OfflineQuality

QUALITY = OfflineQuality()
GOOD = "quiet otter behind the mill"
SOUP = "4@8({[<369|1!7105$+%2"  # whatever can stand for another letter


class Log:
    """An event log in which one profile stands, or none."""

    def __init__(self, profile=None) -> None:
        self._profile = profile

    def profile(self, profile_id):
        if self._profile is None:
            raise errors.ProfileMissing
        return self._profile


def judged(
    password: str,
    account: Account | None = None,
    *,
    profile=None,
    institution: str = "HEP-BEJUNE",
    with_second_factor: bool = False,
) -> str:
    """The password as it would be hashed. Aurélie Chappuis chooses it, where nobody else is named."""
    passwords = Passwords(QUALITY, Log(profile), institution)
    return passwords.acceptable(password, account or an_account(), with_second_factor=with_second_factor)


def someone(given_name: str | None, family_name: str | None, email: str = "x@y.example") -> Account:
    return Account.request(
        ADA_ID,
        profile_id=CLERK,
        email=email,
        given_name=given_name,
        family_name=family_name,
        locale="fr",
        origin="sign-up",
        privacy_policy=None,
        actor=ADA_ID,
        now=NOON,
    )


# --- length


@pytest.mark.parametrize(
    ("password", "with_second_factor", "least"),
    [
        ("otter mill fro", False, 15),
        ("e\u0301" * 14, False, 15),
        ("otter m", True, 8),
        ("e\u0301" * 7, True, 8),
    ],
)
def test_a_short_password_is_refused_with_the_length_that_it_needs(password, with_second_factor, least):
    with pytest.raises(errors.PasswordTooShort) as refusal:
        judged(password, with_second_factor=with_second_factor)
    assert refusal.value.details == {"min": least}


def test_beside_a_second_factor_eight_characters_are_enough():
    assert judged("kuvo!zq8", with_second_factor=True)
    with pytest.raises(errors.PasswordTooShort):
        judged("kuvo!zq8")


@pytest.mark.parametrize("password", [GOOD[:15], (GOOD + " éà🙂") * 4, "été " * 2 + GOOD, " " + GOOD + "  "])
def test_15_to_128_characters_of_any_kind_are_taken_and_composed(password):
    taken = judged(unicodedata.normalize("NFD", password))
    assert taken == unicodedata.normalize("NFC", password)


def test_more_than_128_characters_are_too_many():
    assert judged((GOOD * 5)[:128])
    with pytest.raises(errors.PasswordTooLong):
        judged((GOOD * 5)[:129])


@given(st.integers(), st.integers(15, 128))
@settings(max_examples=60, deadline=None)
def test_whatever_is_random_and_long_enough_is_taken(seed, length):
    """Of all characters that can be printed."""
    typed = random_password(seed, length)
    assert judged(typed) == judged(unicodedata.normalize("NFD", typed)) == unicodedata.normalize("NFC", typed)


# --- common


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword123",  # listed
        "Passwordpassword123",
        "administrateur1",
        "qwertyuiopasdfghjkl",  # keys in a row
        "1234567890123456",
        "abcdefghijklmnop",
        "x" * 15,  # repeated
        "🙂" * 128,
        "abcabcabcabcabcabc",
        "motdepasse1234567",
        "P@ssw0rd!P@ssw0rd!",
        "correct horse battery staple",  # well known
        "Être ou ne pas être…",
        "liberté-égalité-fraternité!",
        "TO BE OR NOT TO BE 99",
    ],
)
def test_what_is_tried_first_is_refused(password):
    with pytest.raises(errors.PasswordCommon):
        judged(password)


@pytest.mark.parametrize(
    "password", ["password", "P@ssw0rd", "Bonjour1", "azerty123", "sunshine1", "Sommer24"]
)
def test_what_is_tried_first_is_refused_beside_a_second_factor_too(password):
    with pytest.raises(errors.PasswordCommon):
        judged(password, with_second_factor=True)


@pytest.mark.parametrize("password", ["k9#vT2qx", "kuvo!zq8", "otter, mill"])
def test_a_short_password_is_not_refused_for_being_short_where_it_may_be(password):
    assert judged(password, with_second_factor=True) == password


def test_a_phrase_that_everybody_knows_may_be_part_of_one_of_ones_own():
    assert judged("être ou ne pas être boulangère à Moutier")


def test_the_longest_password_is_judged_soon():
    """zxcvbn alone takes 3 s for some of these, and lets no other thread work meanwhile."""
    for password in ((SOUP * 7)[:128], SOUP + GOOD, "ab" * 64, "0123456789" * 12, random_password(4711, 128)):
        begun = perf_counter()
        QUALITY.is_common(password)
        assert perf_counter() - begun < 1


def test_disguises_are_seen_through_beside_many_others():
    assert QUALITY.is_common("p@ssw0rdp@ssw0rdp@ssw0rd")
    assert not QUALITY.is_common(SOUP + "kuvo")


def test_all_that_zxcvbn_keeps_is_there_before_many_use_it_at_once(monkeypatch):
    """Its first call adds a dictionary to those that every other call walks through."""
    monkeypatch.delitem(RANKED_DICTIONARIES, "user_inputs")
    quality = OfflineQuality()
    before = set(RANKED_DICTIONARIES)
    quality.is_common(GOOD)
    assert set(RANKED_DICTIONARIES) == before


# --- names


@pytest.mark.parametrize(
    ("password", "kind"),
    [
        ("sept ponts d'Aurélie au Doubs", "name"),
        ("AURELIE sept ponts au Doubs", "name"),
        ("sept7chappuis7ponts", "name"),
        ("sept ch4ppu1$ ponts", "name"),
        ("the old example in the mill", "address"),
        ("sept ponts HEP-BEJUNE", "institution"),
        ("sept ponts hepbejune", "institution"),
        ("sept ponts de Bejune", "institution"),
    ],
)
def test_what_everybody_knows_of_the_person_is_refused_and_said_whence(password, kind):
    with pytest.raises(errors.PasswordHoldsName) as refusal:
        judged(password)
    assert refusal.value.details == {"kind": kind}


@pytest.mark.parametrize("password", ["sept ponts et Favre au bord", "Chappuis-Favre au bord du Doubs"])
def test_the_names_of_the_personal_data_count_too(password):
    with pytest.raises(errors.PasswordHoldsName):
        judged(password, profile=a_profile(AURELIE))


@pytest.mark.parametrize(
    ("given_name", "family_name", "password"),
    [
        ("Jörg", "Müller", "otters by the Mueller mill"),
        ("Jörg", "Mueller", "otters by the Müller mill"),
        ("Léa", "Roy", "otters and Lea by the mill"),
        ("Léa", "Roy", "2025-roy-otters-by-mills"),
    ],
)
def test_a_name_is_seen_however_it_is_written(given_name, family_name, password):
    with pytest.raises(errors.PasswordHoldsName):
        judged(password, someone(given_name, family_name))


@pytest.mark.parametrize(
    ("given_name", "family_name", "password"),
    [
        ("Le", "Bo", "le bouquet de la loutre"),
        ("Léa", "Roy", "royal pleasure of otters"),
        ("Jean-Pierre", "de la Rue", "la loutre de ma rue et moi"),
        (None, None, "otters by the mill"),
        ("", "", "otters by the mill"),
    ],
)
def test_a_short_name_within_other_words_is_none(given_name, family_name, password):
    assert judged(password, someone(given_name, family_name)) == password


@pytest.mark.parametrize(
    "password", ["prof.rossel92 by the mill", "the lycee-moutier otters", "rossel in the mill"]
)
def test_the_address_counts_in_all_its_parts(password):
    with pytest.raises(errors.PasswordHoldsName) as refusal:
        judged(password, someone(None, None, "Prof.Rossel92@edu.lycee-moutier.example"))
    assert refusal.value.details == {"kind": "address"}


def test_of_an_institutions_long_name_the_words_that_everybody_uses_are_free():
    name = "Haute école pédagogique BEJUNE"
    assert judged("à haute voix dans l'école", institution=name)
    with pytest.raises(errors.PasswordHoldsName):
        judged("ma haute école pédagogique bejune", institution=name)
