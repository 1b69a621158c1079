"""A link that the secretariat decides: opened, taken by a clerk, asked back about, decided."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain import errors
from domain.fact import PersonsFact
from domain.values import Personal


@dataclass
class Question:
    """What a clerk wants to know of the holder. answer: None while it is open, and where the case ended without."""

    case_id: UUID
    text: str
    by: UUID
    asked_at: datetime
    answer: str | None = None
    answered_at: datetime | None = None


@dataclass
class Case:
    """due: the last day on which linking is on time; it stands still while a question is open."""

    id: UUID
    cause: str
    due: date
    candidates: list[str]
    opened_at: datetime
    state: str = "open"  # open | asked | linked | rejected | withdrawn
    question: Question | None = field(default=None)  # the open one
    is_untouched: bool = True  # no clerk has begun to look into it
    taken_by: UUID | None = None  # the clerk who works on it
    taken_at: datetime | None = None
    by: UUID | None = None
    at: datetime | None = None
    record_number: str | None = None  # of a linked one
    reason: str | None = None  # of a rejected one

    @property
    def is_undecided(self) -> bool:
        return self.state in ("open", "asked")

    def close(self, state: str, event: Aggregate.Event) -> None:
        self.state, self.by, self.at = state, event.actor, event.timestamp
        self.question = self.taken_by = self.taken_at = None


class SecretariatsCase:
    """A part of `Profile`."""

    class CaseOpened(PersonsFact):
        """The link is not certain: the secretariat decides."""

        TOPIC = "case.opened"
        case_id: UUID  # made for it
        cause: str  # why it was not linked at once
        candidates: Annotated[list[str], Personal]  # record numbers
        due: date

        def apply(self, aggregate: "SecretariatsCase") -> None:
            aggregate.cases[self.case_id] = Case(
                self.case_id, self.cause, self.due, self.candidates, self.timestamp
            )
            if aggregate.link is None:
                aggregate.link_state = "waiting"

    class CaseTaken(PersonsFact):
        """A clerk works on the case; others see it, and may decide all the same."""

        TOPIC = "case.taken"
        case_id: UUID  # which one
        instead_of: UUID | None  # the clerk who had it

        def apply(self, aggregate: "SecretariatsCase") -> None:
            case = aggregate.cases[self.case_id]
            case.taken_by, case.taken_at, case.is_untouched = self.actor, self.timestamp, False

    class QuestionAsked(PersonsFact):
        """The secretariat asked the holder something; the clock of the link stands still."""

        TOPIC = "case.question-asked"
        case_id: UUID  # about which one
        text: Annotated[str, Personal]

        def apply(self, aggregate: "SecretariatsCase") -> None:
            case = aggregate.cases[self.case_id]
            case.state, case.is_untouched = "asked", False
            case.question = Question(self.case_id, self.text, self.actor, self.timestamp)
            aggregate.questions.append(case.question)

    class QuestionAnswered(PersonsFact):
        """The holder answered; the clock goes on."""

        TOPIC = "case.question-answered"
        case_id: UUID  # about which one
        text: Annotated[str, Personal]
        due: date  # later by the working days for which the question was open

        def apply(self, aggregate: "SecretariatsCase") -> None:
            case = aggregate.cases[self.case_id]
            case.state, case.due, aggregate.due = "open", self.due, self.due
            case.question.answer, case.question.answered_at = self.text, self.timestamp
            case.question = None

    class CaseRejected(PersonsFact):
        """No record is this person's, as far as the secretariat can tell; the holder is told why."""

        TOPIC = "case.rejected"
        case_id: UUID  # which one
        reason: str  # a code of the list «reject»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "SecretariatsCase") -> None:
            aggregate.cases[self.case_id].reason = self.reason
            aggregate.cases[self.case_id].close("rejected", self)
            aggregate.link_state = "rejected"

    class CaseRenewed(PersonsFact):
        """The register has changed: the case is about other records now, or for another cause."""

        TOPIC = "case.renewed"
        case_id: UUID  # which one
        cause: str  # why it is not linked at once
        candidates: Annotated[list[str], Personal]  # record numbers

        def apply(self, aggregate: "SecretariatsCase") -> None:
            case = aggregate.cases[self.case_id]
            case.cause, case.candidates = self.cause, self.candidates

    class CaseWithdrawn(PersonsFact):
        """What the case was about has changed: the data, which are matched again, or the register."""

        TOPIC = "case.withdrawn"
        case_id: UUID  # which one

        def apply(self, aggregate: "SecretariatsCase") -> None:
            aggregate.cases[self.case_id].close("withdrawn", self)

    def open_case_for(
        self, case_id: UUID, cause: str, candidates: list[str], *, due: date, actor: UUID, now: datetime
    ) -> None:
        """Leave the link to the secretariat; a case that is undecided already stays as it is."""
        if not self.open_case:
            self._trigger(
                self.CaseOpened,
                case_id=case_id,
                cause=cause,
                candidates=candidates,
                due=due,
                actor=actor,
                now=now,
            )

    def renew_case(self, cause: str, candidates: list[str], *, actor: UUID, now: datetime) -> None:
        """Let the undecided case be about what the register says now; the same changes nothing."""
        case = self.open_case
        if case and (case.cause, case.candidates) != (cause, candidates):
            self._trigger(
                self.CaseRenewed, case_id=case.id, cause=cause, candidates=candidates, actor=actor, now=now
            )

    def withdraw_case(self, *, actor: UUID, now: datetime) -> None:
        """End the undecided case, whose ground is gone."""
        if self.open_case:
            self._trigger(self.CaseWithdrawn, case_id=self.open_case.id, actor=actor, now=now)

    def take_case(self, case_id: UUID, *, instead_of: UUID | None = None, actor: UUID, now: datetime) -> None:
        """A clerk takes it, once more changing nothing. instead_of: who has it, as the clerk knows.

        Raises OwnCase, CaseUnknown, AlreadyDecided, AlreadyTaken.
        """
        self._must_be_anothers(actor)
        case = self.must_be_open(case_id)
        if case.taken_by == actor:
            return
        if case.taken_by not in (None, instead_of):
            raise errors.AlreadyTaken(by=case.taken_by, at=case.taken_at, instead_of=case.taken_by)
        self._trigger(self.CaseTaken, case_id=case_id, instead_of=case.taken_by, actor=actor, now=now)

    def ask(self, case_id: UUID, text: str, *, actor: UUID, now: datetime) -> None:
        """A clerk asks the holder. Raises OwnCase, CaseUnknown, AlreadyDecided, AlreadyAsked."""
        self._must_be_anothers(actor)
        question = self.must_be_open(case_id).question
        if question:
            raise errors.AlreadyAsked(by=question.by, at=question.asked_at)
        self._trigger(self.QuestionAsked, case_id=case_id, text=text, actor=actor, now=now)

    def answer(self, text: str, *, due: date, now: datetime) -> None:
        """The holder answers the open question. due: see `domain.calendar.after_a_pause`. Raises NothingAsked."""
        case = self.asked_case
        if not case:
            raise errors.NothingAsked
        self._trigger(
            self.QuestionAnswered, case_id=case.id, text=text, due=due, actor=self.account_id, now=now
        )

    def must_be_open(self, case_id: UUID) -> Case:
        """Raises CaseUnknown, AlreadyDecided."""
        case = self.cases.get(case_id)
        if not case:
            raise errors.CaseUnknown
        if not case.is_undecided:
            raise errors.AlreadyDecided(by=case.by, at=case.at, state=case.state)
        return case

    @property
    def open_case(self) -> Case | None:
        """The one that is not decided, asked back about or not."""
        return next((case for case in self.cases.values() if case.is_undecided), None)

    @property
    def asked_case(self) -> Case | None:
        """The one about which the holder was asked something that is not answered."""
        case = self.open_case
        return case if case and case.question else None

    def _must_be_anothers(self, actor: UUID) -> None:
        if actor == self.account_id:
            raise errors.OwnCase
