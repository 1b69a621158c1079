"""Which record of the institution is this person's, and is that certain enough to link at once?

What a person declares proves nothing: an ex-spouse or an employer knows it too. Only the address does, for
its mailbox was opened. Pure functions: whoever calls brings the records and says who holds them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from domain.values import address_key, spellings

# Why a match was not certain. Stored in events: never rename one.
CAUSES: Final = (
    "no-ahv-number",  # none was declared
    "no-record",  # nothing in the register agrees
    "not-certain",  # some of it agrees, not all
    "several-records",  # more than one record agrees in all
    "record-taken",  # another account is linked to it
    "declared-twice",  # another account declared the same AHV number
    "record-has-no-address",
    "address-differs",  # the record's address is not the account's
    # Why a clerk looks again, whatever agrees (application/linking.py):
    "unlinked",  # the link was just taken back
    "unlinked-before",  # from the very record that would be linked
    "identity-corrected",  # what the link was decided on has changed
)


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What a person says of himself. ahv_number: 13 digits."""

    ahv_number: str | None
    family_name: str
    given_name: str
    birth_name: str | None
    birth_date: date


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the institution's register says of a person; None is unknown. ahv_number: 13 digits."""

    record_number: str
    ahv_number: str | None
    family_name: str | None
    given_name: str | None
    birth_name: str | None
    birth_date: date | None
    email: str | None

    def held_by(self, linked_to: UUID | None, *, declared_by_others: bool) -> "Candidate":
        return Candidate(**vars(self), linked_to=linked_to, declared_by_others=declared_by_others)


@dataclass(frozen=True, kw_only=True)
class Candidate(Record):
    """A record, and who wants it besides.

    linked_to: another account that holds it. declared_by_others: another account declared its AHV number.
    """

    linked_to: UUID | None
    declared_by_others: bool


@dataclass(frozen=True)
class Verdict:
    """How one field compares. verdict: `equal`, `different`, or `missing` on either side."""

    name: str
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """A record that may be the person's, and why: field by field."""

    record_number: str
    fields: tuple[Verdict, ...]


@dataclass(frozen=True)
class Decision:
    """Either a record to link at once, or the cause (of CAUSES) why a clerk decides; best candidate first."""

    record_number: str | None
    cause: str | None
    candidates: tuple[Comparison, ...]


def decide(declared: Declared, account_address: str, records: Sequence[Candidate]) -> Decision:
    """Link at once, or leave it to the secretariat.

    account_address: the one that the account's mail proved. records: at least all that agree in AHV number,
    and all that agree in a family name and the birth date.
    """
    identical = [
        record for record in records if same_number(declared, record) and same_person(declared, record)
    ]
    candidates = _ranked(declared, account_address, records)

    # The line that decides a link: one record, held by nobody, at the address that the account's mail proved.
    if len(identical) == 1 and identical[0].linked_to is None and same_address(account_address, identical[0]):
        return Decision(identical[0].record_number, None, candidates)

    return Decision(None, _cause(declared, records, identical), candidates)


def same_number(declared: Declared, record: Record) -> bool:
    return declared.ahv_number is not None and declared.ahv_number == record.ahv_number


def same_person(declared: Declared, record: Record) -> bool:
    """Whether family name and birth date agree."""
    return same_family_name(declared, record) and declared.birth_date == record.birth_date


def same_family_name(declared: Declared, record: Record) -> bool:
    """Whether a name borne now or at birth is in both: one marries, and the register learns of it later."""
    return bool(_family_names(declared) & _family_names(record))


def same_address(account_address: str, record: Record) -> bool:
    return bool(record.email) and address_key(account_address) == address_key(record.email)


def compare(declared: Declared, account_address: str, record: Record) -> Comparison:
    """Field by field, for whoever decides. `family_name` is equal when one borne at birth agrees, too."""
    agreements = {
        "ahv_number": (record.ahv_number, declared.ahv_number, same_number(declared, record)),
        "family_name": (record.family_name, declared.family_name, same_family_name(declared, record)),
        "given_name": (record.given_name, declared.given_name, _same(record.given_name, declared.given_name)),
        "birth_name": (record.birth_name, declared.birth_name, _same(record.birth_name, declared.birth_name)),
        "birth_date": (record.birth_date, declared.birth_date, record.birth_date == declared.birth_date),
        "email": (record.email, account_address, same_address(account_address, record)),
    }
    return Comparison(
        record.record_number,
        tuple(
            Verdict(name, "equal" if agrees else "different" if there and here else "missing")
            for name, (there, here, agrees) in agreements.items()
        ),
    )


def _cause(declared: Declared, records: Sequence[Candidate], identical: Sequence[Candidate]) -> str:
    if declared.ahv_number is None:
        return "no-ahv-number"
    if len(identical) > 1:
        return "several-records"
    if identical and identical[0].linked_to is not None:
        return "record-taken"
    if any(record.declared_by_others for record in records if same_number(declared, record)):
        return "declared-twice"
    if identical:
        return "address-differs" if identical[0].email else "record-has-no-address"
    return "not-certain" if _agreeing(declared, records) else "no-record"


def _agreeing(declared: Declared, records: Sequence[Candidate]) -> list[Candidate]:
    return [record for record in records if same_number(declared, record) or same_person(declared, record)]


def _ranked(declared: Declared, account_address: str, records: Sequence[Candidate]) -> tuple[Comparison, ...]:
    """Those that agree in number and person first, then in the number alone, then in the person alone."""

    def rank(record: Candidate) -> tuple[bool, bool, str]:
        number, person = same_number(declared, record), same_person(declared, record)
        return not (number and person), not number, record.record_number

    agreeing = sorted(_agreeing(declared, records), key=rank)
    return tuple(compare(declared, account_address, record) for record in agreeing)


def _family_names(person: Declared | Record) -> frozenset[str]:
    return spellings(person.family_name or "") | spellings(person.birth_name or "")


def _same(one: str | None, other: str | None) -> bool:
    return bool(spellings(one or "") & spellings(other or ""))
