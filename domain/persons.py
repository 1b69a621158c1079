"""Who is compared: what a person declares, and what the institution's register says of somebody."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What a person says of himself. ahv_number: 13 digits. phone: E.164."""

    ahv_number: str | None
    family_name: str
    given_name: str
    birth_name: str | None
    birth_date: date
    sex: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    phone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the institution's register says of a person; None is unknown. ahv_number: 13 digits. phone: E.164."""

    record_number: str
    ahv_number: str | None
    family_name: str | None
    given_name: str | None
    birth_name: str | None
    birth_date: date | None
    email: str | None
    sex: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    phone: str | None = None


Person = Declared | Record
