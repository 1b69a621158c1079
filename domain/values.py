"""Values that every part of the house speaks of: actors, addresses, AHV numbers, names.

Standard library only. What is refused raises `InvalidValue`, whose `code` the door translates.
"""

import re
import unicodedata
from typing import Final
from uuid import UUID

LOCALES: Final = ("fr", "de", "en")

# Fixed actors. They stand in events for ever: never change them.
SYSTEM: Final = UUID("00000000-0000-4000-8000-000000000001")  # the service itself: workers, the clock
OPERATOR: Final = UUID("00000000-0000-4000-8000-000000000002")  # whoever types on the command line
ANYBODY: Final = UUID("00000000-0000-4000-8000-000000000003")  # whoever did not prove who they are


class InvalidValue(ValueError):
    """A text that is no such value. code: stable, in kebab-case. details: what its explanation needs."""

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


class Personal:
    """Marks a field of an event as personal, so that the store seals it: `Annotated[str, Personal]`."""


class Erased:
    """What a sealed field loads as once its person's key is destroyed. The sole instance is `ERASED`."""

    _only: "Erased | None" = None

    def __new__(cls) -> "Erased":
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "ERASED"


ERASED: Final = Erased()


def address_key(email: str) -> str:
    """What two e-mail addresses are compared by: without case, the local part too, composed (NFC).

    A domain in its ASCII form (`xn--…`) equals the same domain in letters.
    """
    local, at, domain = email.lower().rpartition("@")
    return unicodedata.normalize("NFC", local + at + ".".join(map(_letters, domain.split("."))))


def _letters(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        letters = label[4:].encode("ascii").decode("punycode")
        letters.encode()  # half a pair would come out of some, and could be stored nowhere
    except UnicodeError:
        return label
    return letters


def mask_email(email: str) -> str:
    """`anne@example.org` as a mailbox sees it that need not know it: `a•••@example.org`."""
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}•••{at}{domain}"


def parse_ahv(text: str) -> str:
    """The 13 digits of an AHV/AVS number written with or without dots and spaces.

    Raises InvalidValue: `ahv-characters`, `ahv-length`, `ahv-prefix` (not 756), `ahv-check-digit`.
    Source: docs/sources.md#S3.
    """
    digits = text.replace(".", "")
    if not digits.isdecimal():
        digits = re.sub(r"\s", "", digits)
    if not re.fullmatch("[0-9]*", digits):
        raise InvalidValue("ahv-characters")
    if len(digits) != 13:
        raise InvalidValue("ahv-length")
    if not digits.startswith("756"):
        raise InvalidValue("ahv-prefix")
    if ahv_check_digit(digits[:12]) != digits[12]:
        raise InvalidValue("ahv-check-digit")
    return digits


def ahv_check_digit(first_twelve: str) -> str:
    """The thirteenth digit, as EAN-13 reckons it: weights 1 and 3 in turn."""
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_twelve))
    return str(-weighted % 10)


def format_ahv(canonical: str) -> str:
    """`7561234567897` as people write it: `756.1234.5678.97`."""
    return f"{canonical[:3]}.{canonical[3:7]}.{canonical[7:11]}.{canonical[11:]}"


def mask_ahv(canonical: str) -> str:
    """`7561234567897` as those see it who gave no purpose: `756.••••.••••.97`."""
    return f"{canonical[:3]}.••••.••••.{canonical[11:]}"


# Letters that Unicode does not take apart into a base and an accent.
_PLAIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
)
_JOINTS = re.compile(r"[\s\u002d\u00ad\u2010-\u2015\u2212'`´\u02b9\u02bc\u2018\u2019\u2032]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def fold(text: str) -> str:
    """A name as it is compared and searched: no case, no accents (ü is u, ß is ss, œ is oe), and
    hyphens, apostrophes and spaces all one space."""
    apart = unicodedata.normalize("NFKD", _JOINTS.sub(" ", text).casefold())
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return " ".join(bare.translate(_PLAIN).split())


def spellings(name: str) -> frozenset[str]:
    """The folded forms a name is met in: `Müller` is muller and mueller. Names agree when they share one."""
    spelt_out = unicodedata.normalize("NFC", name).lower().translate(_UMLAUTS)
    return frozenset(filter(None, (fold(name), fold(spelt_out))))


def has_control_characters(text: str, line_breaks: bool = False) -> bool:
    """Whether a text holds what no person types and no store keeps: Unicode Cc, and halves of pairs (Cs).

    line_breaks: allow CR and LF, for notes and texts.
    """
    if text.isprintable():  # which none of them is
        return False
    allowed = "\r\n" if line_breaks else ""
    return any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text if letter not in allowed)
