"""Which record of the institution is this person's, and is that certain enough to link at once?

What a person declares proves nothing: an ex-spouse or an employer knows it too. Only the address does, for
its mailbox was opened. Pure functions: whoever calls brings the records and says who holds them. How fields are
compared: domain/comparing.py; what their agreement is worth: domain/weighing.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.comparing import Likeness, compare
from domain.persons import Declared, Record
from domain.values import address_key
from domain.weighing import Census, Model

# Why a match was not certain. Stored in events: never rename one.
UNCERTAIN: Final = (
    "no-ahv-number",  # none was declared
    "no-record",  # nothing in the register agrees
    "not-certain",  # some of it agrees, not all
    "several-records",  # more than one record agrees in all
    "record-taken",  # another account is linked to it
    "declared-twice",  # another account declared the same AHV number
    "record-has-no-address",
    "address-differs",  # the record's address is not the account's
)
# Why a clerk looks again, whatever agrees (application/linking.py, reviews.py).
AGAIN: Final = (
    "unlinked",  # the link was just taken back
    "unlinked-before",  # from the very record that would be linked
    "identity-corrected",  # what the link was decided on has changed
    "accounts-separated",  # that two accounts are one person's was a mistake
    "record-changed",  # what the link was decided on is no longer what the record says
    "record-merged",  # with another one, which the case names
    "record-gone",  # from the register
    "record-appeared",  # which may be the person's whom a clerk had found no record for, or has in hand
)
CAUSES: Final = (*UNCERTAIN, *AGAIN)


SHOWN: Final = 20  # candidates a clerk is shown, besides those that agree as far as today's rule asks
PROBABLE: Final = 0.05  # what is less likely is no candidate, unless number, or name and birth date, agree


@dataclass(frozen=True, kw_only=True)
class Candidate(Record):
    """A record, and who wants it besides.

    linked_to: another account that holds it. declared_by_others: another account declared its AHV number.
    """

    linked_to: UUID | None
    declared_by_others: bool

    @classmethod
    def of(cls, record: Record, linked_to: UUID | None, *, declared_by_others: bool) -> "Candidate":
        return cls(**vars(record), linked_to=linked_to, declared_by_others=declared_by_others)


@dataclass(frozen=True)
class Judgement:
    """On what a link was decided. Stands in events.

    The score is kept in whole hundredths, for an evidence file holds no other numbers.
    """

    matcher: str | None  # the version of its parameters
    score: int | None  # hundredths of a bit
    verdicts: dict[str, str] | None  # equal, similar, different or missing, by field

    @staticmethod
    def unknown(state: dict[str, Any]) -> None:
        """For events from before it was noted."""
        state.update(matcher=None, score=None, verdicts=None)


UNJUDGED: Final = Judgement(None, None, None)


@dataclass(frozen=True)
class Verdict:
    """How one field compares. verdict: `equal`, `similar`, `different`, or `missing` on either side. weight: bits."""

    name: str
    verdict: str
    weight: float


@dataclass(frozen=True)
class Comparison:
    """A record that may be the person's, and why: field by field. score: the sum of the weights.

    probability: in thousandths, for nobody knows it better. matcher: the version of the parameters.
    """

    record_number: str
    fields: tuple[Verdict, ...]
    score: float
    probability: float
    matcher: str

    @property
    def verdicts(self) -> dict[str, str]:
        return {field.name: field.verdict for field in self.fields}

    @property
    def judgement(self) -> Judgement:
        return Judgement(self.matcher, round(100 * self.score), self.verdicts)


@dataclass(frozen=True)
class Decision:
    """Either a record to link at once, or the cause (of CAUSES) why a clerk decides; best candidate first."""

    record_number: str | None
    cause: str | None
    candidates: tuple[Comparison, ...]

    @property
    def judgement(self) -> Judgement:
        """Of the record to link."""
        found = (each for each in self.candidates if each.record_number == self.record_number)
        return next((each.judgement for each in found), UNJUDGED)


@dataclass(frozen=True)
class Matcher:
    """The parameters, and how alike two texts are."""

    model: Model
    likeness: Likeness

    def compare(self, declared: Declared, account_address: str, record: Record, census: Census) -> Comparison:
        """Field by field, for whoever decides."""
        verdicts = compare(declared, account_address, record, self.likeness)
        weights = self.model.weigh(verdicts, declared, record, census)
        score = sum(weights.values())
        return Comparison(
            record.record_number,
            tuple(Verdict(name, verdict, weights[name]) for name, verdict in verdicts.items()),
            score,
            round(self.model.probability(score, census.people), 3),
            self.model.version,
        )


def decide(
    declared: Declared,
    account_address: str,
    records: Sequence[Candidate],
    matcher: Matcher,
    census: Census,
) -> Decision:
    """Link at once, or leave it to the secretariat.

    account_address: the one that the account's mail proved. records: at least all that agree in AHV number,
    and all that agree in a family name and the birth date. census: of the whole register.
    """
    compared = [(record, matcher.compare(declared, account_address, record, census)) for record in records]
    compared.sort(key=_rank)
    identical = [(record, comparison) for record, comparison in compared if is_identical(comparison)]
    candidates = _shown(compared)

    if len(identical) == 1:
        ((record, found),) = identical
        model, next_best = matcher.model, _next_best(compared, found)
        free = record.linked_to is None and same_address(account_address, record)
        clear = found.probability >= model.threshold and found.score - next_best >= model.margin
        # The line that decides a link: one record, held by nobody, at the address that the account's mail proved.
        if free and clear:
            return Decision(record.record_number, None, candidates)

    cause = _cause(declared, account_address, [record for record, _ in identical], compared)
    return Decision(None, cause, candidates)


def is_identical(comparison: Comparison) -> bool:
    """Whether AHV number, birth date and family name agree.

    A family name that is similar is made up for by a given name that is, at which the older rule did not even look:
    a wrong letter, two names that have changed places. The evidence is as strong.
    """
    said = comparison.verdicts
    alike = said["family_name"] == "similar" and said["given_name"] in ("equal", "similar")
    return said["ahv_number"] == said["birth_date"] == "equal" and (said["family_name"] == "equal" or alike)


def contradicts(comparison: Comparison) -> bool:
    """Whether a link would be in doubt: number, name or birth date differ, as far as both sides tell them."""
    said = comparison.verdicts
    names = said["family_name"], said["given_name"]
    return (
        said["ahv_number"] == "different"
        or said["birth_date"] in ("similar", "different")
        or "different" in names
    )


def agrees(comparison: Comparison) -> bool:
    """In the number, or in family name and birth date."""
    said = comparison.verdicts
    return said["ahv_number"] == "equal" or said["family_name"] == said["birth_date"] == "equal"


def same_number(declared: Declared, record: Record) -> bool:
    return declared.ahv_number is not None and declared.ahv_number == record.ahv_number


def same_address(account_address: str, record: Record) -> bool:
    return bool(record.email) and address_key(account_address) == address_key(record.email)


Compared = tuple[Candidate, Comparison]


def _shown(compared: Sequence[Compared]) -> tuple[Comparison, ...]:
    """The best first; those that agree are always among them."""
    return tuple(
        comparison
        for place, (_, comparison) in enumerate(compared)
        if agrees(comparison) or (place < SHOWN and comparison.probability >= PROBABLE)
    )


def _rank(compared: Compared) -> tuple[object, ...]:
    """By probability; of those that are as good as certain, the number counts most."""
    _, comparison = compared
    said = comparison.verdicts
    return (
        -comparison.probability,
        not is_identical(comparison),
        said["ahv_number"] != "equal",
        -comparison.score,
        comparison.record_number,
    )


def _next_best(compared: Sequence[Compared], found: Comparison) -> float:
    return max((each.score for _, each in compared if each is not found), default=float("-inf"))


def _cause(
    declared: Declared, account_address: str, identical: Sequence[Candidate], compared: Sequence[Compared]
) -> str:
    if declared.ahv_number is None:
        return "no-ahv-number"
    if len(identical) > 1:
        return "several-records"
    if identical and identical[0].linked_to is not None:
        return "record-taken"
    if any(record.declared_by_others for record, _ in compared if same_number(declared, record)):
        return "declared-twice"
    if identical and not identical[0].email:
        return "record-has-no-address"
    if identical and not same_address(account_address, identical[0]):
        return "address-differs"
    return "not-certain" if _shown(compared) else "no-record"
