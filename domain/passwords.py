"""What a chosen password must be: long enough, and silent about the one who chooses it."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from domain import errors, policies
from domain.values import address_key, spellings

NAME_PART = 4  # letters; a shorter part of a name is in too many words
INSTITUTION_PART = 6  # it is made of words that everybody uses: école, haute
SHORT_NAME = 3  # letters; a name that is no longer counts where it is a word by itself

_LETTERS = re.compile(r"[^\W\d_]+")
_BETWEEN = re.compile(r"[\W_]+")
_DISGUISES = str.maketrans("4@301!$57+", "aaeoiisstt")


def composed(typed: str) -> str:
    """The form in which a password is counted, compared and hashed: NFC, nothing else changed."""
    return unicodedata.normalize("NFC", typed)


def least_length(*, with_second_factor: bool) -> int:
    """In code points of the composed form."""
    return policies.PASSWORD_MIN_BESIDE_FACTOR if with_second_factor else policies.PASSWORD_MIN_LENGTH


def refuse_unfit_length(password: str, *, with_second_factor: bool) -> None:
    """Raises PasswordTooShort, PasswordTooLong."""
    least = least_length(with_second_factor=with_second_factor)
    if len(password) < least:
        raise errors.PasswordTooShort(min=least)
    if len(password) > policies.PASSWORD_MAX_LENGTH:
        raise errors.PasswordTooLong(max=policies.PASSWORD_MAX_LENGTH)


def refuse_names(password: str, *, names: Iterable[str], email: str, institution: str) -> None:
    """Raises PasswordHoldsName, whose detail `kind` says whose: name, address or institution."""
    forms = {form for text in (password, password.translate(_DISGUISES)) for form in _forms(text)}
    local, _, domain = address_key(email).rpartition("@")
    spoken_of = {
        "name": (names, NAME_PART),
        "address": ([local, *domain.split(".")[:-1]], NAME_PART),
        "institution": ([institution], INSTITUTION_PART),
    }
    for kind, (texts, least) in spoken_of.items():
        if any(_holds(forms, text, least) for text in texts):
            raise errors.PasswordHoldsName(kind=kind)


def _holds(forms: set[str], text: str, least: int) -> bool:
    """Whether a text, or a part of it with so many letters, stands in a password however they are written."""
    for written in _forms(text):
        joined = written.replace(" ", "")
        if len(joined) == SHORT_NAME and any(joined in _LETTERS.findall(form) for form in forms):
            return True
        wholes = {written, joined} if len(joined) > SHORT_NAME else set()
        parts = {part for part in _LETTERS.findall(written) if len(part) >= least}
        if any(sought in form for sought in wholes | parts for form in forms):
            return True
    return False


def _forms(text: str) -> Iterator[str]:
    """Without case and accents, `ü` as u and as ue; all that is no letter or digit is one space."""
    return (_BETWEEN.sub(" ", spelling).strip() for spelling in spellings(text))
