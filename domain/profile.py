"""A person's data, the case that they may need, and the link to the institution's record.

All three stand on one stream, so that a correction, a decision and a link conflict instead of crossing.
"""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain import errors
from domain.case import SecretariatsCase
from domain.fact import PersonsFact
from domain.imported import LineRefused
from domain.matching import UNJUDGED, Judgement
from domain.merging import MERGED
from domain.values import Personal


@dataclass(frozen=True)
class PersonalData:
    """What the holder declares."""

    ahv_number: Annotated[str | None, Personal]  # 13 digits
    given_name: Annotated[str, Personal]
    family_name: Annotated[str, Personal]
    birth_name: Annotated[str | None, Personal]
    birth_date: Annotated[date, Personal]
    sex: Annotated[str, Personal]  # a code of the list «sexes»
    nationality: Annotated[str, Personal]  # ISO 3166-1 alpha-2
    street: Annotated[str, Personal]
    postal_code: Annotated[str, Personal]
    city: Annotated[str, Personal]
    country: Annotated[str, Personal]  # ISO 3166-1 alpha-2
    phone: Annotated[str | None, Personal]  # E.164
    function: Annotated[str | None, Personal]  # a code of the list «functions»
    school: Annotated[str | None, Personal]  # a code of the list «schools»
    canton: str

    def values(self) -> dict:
        return {field: getattr(self, field) for field in PERSONAL_DATA}

    @property
    def is_complete(self) -> bool:
        """Whether it holds all that a holder is asked for; what comes from a file may not."""
        return all(getattr(self, name) is not None for name in PERSONAL_DATA if name not in MAY_BE_NONE)


PERSONAL_DATA = tuple(field.name for field in fields(PersonalData))
MAY_BE_NONE = ("ahv_number", "birth_name", "phone", "function", "school")


@dataclass(frozen=True)
class KnownData(PersonalData):
    """What a file says of a person; none is unknown."""

    birth_date: Annotated[date | None, Personal]
    sex: Annotated[str | None, Personal]
    nationality: Annotated[str | None, Personal]
    street: Annotated[str | None, Personal]
    postal_code: Annotated[str | None, Personal]
    city: Annotated[str | None, Personal]
    country: Annotated[str | None, Personal]
    canton: str | None


# What a link is decided on.
IDENTITY = ("ahv_number", "family_name", "given_name", "birth_name", "birth_date")

RECORD_CREATED = "record-created"  # the reason for which a profile is linked to a record that was made for it


@dataclass(frozen=True)
class Link:
    """is_imported: a file said so, and neither the matcher nor a clerk."""

    record_number: str
    linked_at: datetime
    by: UUID
    is_imported: bool = False


class Profile(SecretariatsCase, Aggregate):
    """What a person declared, and which record of the institution is theirs.

    declared: the fact that brought the personal data. data: that data, with gaps of an imported one unless is_complete.
    data_version, sent_at: of that fact. due: date, None while nobody waits. link: Link or None. link_state: none |
    waiting | linked | rejected. cases: id → Case in the order of their opening, at most one of them undecided.
    questions: all that were asked. unlinked: record numbers that only a clerk may link again.
    given_up: the number of the record that went to the person's other account.
    linked_identity: the identity that the link was decided on.
    """

    TOPIC = "profile"

    class Event(PersonsFact):
        pass

    class ProfileSubmitted(Event, PersonalData, Aggregate.Created):
        """The holder sent the personal data for the first time; the clock of the link runs."""

        TOPIC = "profile.submitted"
        due: date  # the last day on which linking is on time

        def apply(self, aggregate: "Profile") -> None:
            aggregate.begin(self)
            aggregate.take(self, self.due)

    Created = ProfileSubmitted  # the library's name for the first fact

    class ProfileImported(Event, KnownData, Aggregate.Created):
        """The institution brought along in a file what it knew of the person; nobody was written to."""

        TOPIC = "profile.imported"
        complete: bool  # it holds all that a holder is asked for

        def apply(self, aggregate: "Profile") -> None:
            aggregate.begin(self)
            aggregate.take(self, None, is_complete=self.complete)

    class ProfileImportedAgain(Event, KnownData):
        """A file of the institution said something else of the person; the holder had not come yet."""

        TOPIC = "profile.imported-again"
        complete: bool

        def apply(self, aggregate: "Profile") -> None:
            aggregate.take(self, aggregate.due, is_complete=self.complete)

    class LinkImported(Event):
        """The institution had linked the account to a record before, and said so in a file; nobody was written to."""

        TOPIC = "profile.link-imported"
        record_number: Annotated[str, Personal]

        def apply(self, aggregate: "Profile") -> None:
            aggregate.link = Link(self.record_number, self.timestamp, self.actor, is_imported=True)
            aggregate.link_state = "linked"
            aggregate.given_up = None
            aggregate.linked_identity = aggregate.identity

    class ProfileCorrected(Event, PersonalData):
        """The holder or staff sent the data anew; an open case is withdrawn, for its ground is gone."""

        TOPIC = "profile.corrected"
        due: date

        def apply(self, aggregate: "Profile") -> None:
            aggregate.take(self, self.due)

    class RecordLinked(Event, Judgement):
        """The profile was linked to a record of the institution."""

        class_version = 2
        TOPIC = "profile.record-linked"
        record_number: Annotated[str, Personal]
        case_id: UUID | None  # the case that ended so; none: linked at once
        reason: str | None  # a code of the list «link»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Profile") -> None:
            aggregate.link = Link(self.record_number, self.timestamp, self.actor)
            aggregate.link_state = "linked"
            aggregate.linked_identity = aggregate.identity
            aggregate.given_up = None
            if aggregate.open_case:
                aggregate.open_case.record_number = self.record_number
                aggregate.open_case.close("linked", self)

        upcast_v1_v2 = staticmethod(Judgement.unknown)

    class RecordCreated(Event):
        """The register had nobody like this person: a record was made from what was declared, and is linked next."""

        TOPIC = "profile.record-created"
        record_number: Annotated[str, Personal]
        case_id: UUID  # the case that was decided so
        reason: str  # a code of the list «create-record»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Profile") -> None:
            pass

    class RecordUnlinked(Event):
        """The link was taken back."""

        TOPIC = "profile.record-unlinked"
        record_number: Annotated[str, Personal]
        reason: str  # a code of the list «unlink»
        note: Annotated[str | None, Personal]

        def apply(self, aggregate: "Profile") -> None:
            aggregate.unlinked.add(self.record_number)
            aggregate.given_up = self.record_number if self.reason == MERGED else None
            aggregate.link = None
            # Whoever has never said enough is asked for the rest first, unless a clerk was asked already.
            waits = aggregate.is_complete or aggregate.cases
            aggregate.link_state = "waiting" if waits else "none"

    def begin(self, first: "ProfileSubmitted | ProfileImported") -> None:
        """What holds of every profile that is new."""
        self.account_id = first.account_id
        self.link = None
        self.link_state = "none"
        self.cases = {}
        self.questions = []
        self.unlinked = set()
        self.given_up = None

    def take(self, event: PersonalData, due: date | None, *, is_complete: bool = True) -> None:
        self.declared = event
        self.due = due
        self.sent_at = event.timestamp
        self.data_version = event.originator_version
        self.is_complete = is_complete
        if self.link is None and is_complete:
            self.link_state = "waiting"

    @classmethod
    def submit(
        cls, profile_id: UUID, data: PersonalData, *, account_id: UUID, due: date, actor: UUID, now: datetime
    ) -> Self:
        """The first submission. due: see `domain.calendar.linking_deadline`."""
        return cls._create(
            cls.ProfileSubmitted,
            id=profile_id,
            account_id=account_id,
            due=due,
            actor=actor,
            timestamp=now,
            **data.values(),
        )

    @classmethod
    def bring_along(
        cls, profile_id: UUID, data: PersonalData, *, account_id: UUID, actor: UUID, now: datetime
    ) -> Self:
        """What a file says of a person. data: None for what it does not say."""
        return cls._create(
            cls.ProfileImported,
            id=profile_id,
            account_id=account_id,
            complete=data.is_complete,
            actor=actor,
            timestamp=now,
            **data.values(),
        )

    def take_from_file(self, told: dict, *, actor: UUID, now: datetime) -> None:
        """What a file says of somebody who is known. told: by field, without what is unknown. Raises LineRefused."""
        data = replace(self.data, **told)
        if data != self.data:
            if self.open_case:
                raise LineRefused(None, "case-open")
            said = {"complete": data.is_complete, **data.values()}
            self._trigger(self.ProfileImportedAgain, actor=actor, now=now, **said)

    def link_from_file(self, record_number: str, *, actor: UUID, now: datetime) -> None:
        """The link that a file speaks of; the same changes nothing. Raises LineRefused."""
        if self.link and self.link.record_number == record_number:
            return
        if self.open_case:
            raise LineRefused("record_number", "case-open")
        if self.link and not self.link.is_imported:
            raise LineRefused("record_number", "linked-otherwise")
        if record_number in self.unlinked:
            raise LineRefused("record_number", "unlinked-before")
        if self.link:
            self._unlink(reason="other-record", note=None, actor=actor, now=now)
        self._trigger(self.LinkImported, record_number=record_number, actor=actor, now=now)

    def correct(self, data: PersonalData, *, due: date, actor: UUID, now: datetime) -> None:
        """Take corrected data; the same data change nothing."""
        if data == self.data:
            return
        self._trigger(self.ProfileCorrected, due=due, actor=actor, now=now, **data.values())
        self.withdraw_case(actor=actor, now=now)

    def link_at_once(
        self, record_number: str, *, judgement: Judgement = UNJUDGED, actor: UUID, now: datetime
    ) -> None:
        """Link without a clerk, which ends an open case; the caller has established that the match is certain.

        Raises AlreadyLinked.
        """
        self._link(record_number, reason=None, judgement=judgement, actor=actor, now=now)

    def decide_link(
        self,
        case_id: UUID,
        record_number: str,
        *,
        reason: str,
        note: str | None,
        judgement: Judgement = UNJUDGED,
        actor: UUID,
        now: datetime,
    ) -> None:
        """A clerk links the case's profile. judgement: the matcher's, of this record.

        Raises OwnCase, CaseUnknown, AlreadyDecided.
        """
        self._must_be_anothers(actor)
        self.must_be_open(case_id)
        if self.link and self.link.record_number != record_number:
            self._unlink(reason="other-record", note=note, actor=actor, now=now)
        self._trigger(
            self.RecordLinked,
            record_number=record_number,
            case_id=case_id,
            reason=reason,
            note=note,
            **vars(judgement),
            actor=actor,
            now=now,
        )

    def create_record(
        self,
        case_id: UUID,
        record_number: str,
        *,
        reason: str,
        note: str | None,
        judgement: Judgement = UNJUDGED,
        actor: UUID,
        now: datetime,
    ) -> None:
        """A clerk has a record made, to which the profile is linked. Raises OwnCase, CaseUnknown, AlreadyDecided."""
        self._must_be_anothers(actor)
        self.must_be_open(case_id)
        self._trigger(
            self.RecordCreated,
            record_number=record_number,
            case_id=case_id,
            reason=reason,
            note=note,
            actor=actor,
            now=now,
        )
        self.decide_link(
            case_id,
            record_number,
            reason=RECORD_CREATED,
            note=None,
            judgement=judgement,
            actor=actor,
            now=now,
        )

    def reject(self, case_id: UUID, *, reason: str, note: str | None, actor: UUID, now: datetime) -> None:
        """A clerk finds no record for this person. Raises OwnCase, CaseUnknown, AlreadyDecided."""
        self._must_be_anothers(actor)
        self.must_be_open(case_id)
        if self.link:
            self._unlink(reason="case-rejected", note=note, actor=actor, now=now)
        self._trigger(self.CaseRejected, case_id=case_id, reason=reason, note=note, actor=actor, now=now)

    def unlink(
        self, case_id: UUID, *, reason: str, note: str | None, due: date, actor: UUID, now: datetime
    ) -> None:
        """Take the link back; a new case decides on what is right. Raises OwnCase, NotLinked."""
        self._must_be_anothers(actor)
        if not self.link:
            raise errors.NotLinked
        former = self.link.record_number
        self._unlink(reason=reason, note=note, actor=actor, now=now)
        self.open_case_for(case_id, "unlinked", [former], due=due, actor=actor, now=now)

    def give_up(self, reason: str, *, actor: UUID, now: datetime) -> str | None:
        """Let go of link and case, for another account of the person goes on. The number of the record, if any."""
        self.withdraw_case(actor=actor, now=now)
        number = self.link.record_number if self.link else None
        if number:
            self._unlink(reason=reason, note=None, actor=actor, now=now)
        return number

    def take_over(self, record_number: str, *, reason: str, actor: UUID, now: datetime) -> None:
        """Be linked to the record of the person's other account; an open case ends so. Raises AlreadyLinked."""
        self._link(record_number, reason=reason, judgement=UNJUDGED, actor=actor, now=now)

    @property
    def data(self) -> PersonalData:
        # Not kept: most of what was declared is declared anew before anybody looks at it.
        return PersonalData(**{name: getattr(self.declared, name) for name in PERSONAL_DATA})

    @property
    def identity(self) -> tuple:
        return tuple(getattr(self.declared, name) for name in IDENTITY)

    @property
    def rejected_for(self) -> str | None:
        """The reason for which no record is this person's, as things stand: a code of the list «reject»."""
        rejected = [case for case in self.cases.values() if case.state == "rejected"]
        return rejected[-1].reason if self.link_state == "rejected" and rejected else None

    def _link(
        self, record_number: str, *, reason: str | None, judgement: Judgement, actor: UUID, now: datetime
    ) -> None:
        if self.link:
            raise errors.AlreadyLinked
        self._trigger(
            self.RecordLinked,
            record_number=record_number,
            case_id=self.open_case.id if self.open_case else None,
            reason=reason,
            note=None,
            **vars(judgement),
            actor=actor,
            now=now,
        )

    def _unlink(self, *, reason: str, note: str | None, actor: UUID, now: datetime) -> None:
        self._trigger(
            self.RecordUnlinked,
            record_number=self.link.record_number,
            reason=reason,
            note=note,
            actor=actor,
            now=now,
        )

    def _trigger(self, event: type, *, actor: UUID, now: datetime, **facts: object) -> None:
        self.trigger_event(event, account_id=self.account_id, actor=actor, timestamp=now, **facts)
