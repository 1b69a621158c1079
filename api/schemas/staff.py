"""What the secretariat and auditors send: decisions and filters."""

from api.schemas.fields import (
    Choice,
    Code,
    Count,
    Email,
    Flag,
    Id,
    Input,
    Instant,
    Note,
    Number,
    Text,
)
from domain.values import LOCALES

PAGE_MOST = 200
PAGE_USUAL = 50
ACCOUNT_STATES = ("requested", "active", "locked", "closed", "erased")
LINK_STATES = ("none", "waiting", "linked", "rejected")
CASE_STATES = ("open", "asked", "linked", "rejected", "withdrawn")


class Page(Input):
    cursor = Text(limit=1000)
    limit = Count(least=1, most=PAGE_MOST, load_default=PAGE_USUAL)


class AccountFilter(Page):
    state = Choice(ACCOUNT_STATES)
    link = Choice(LINK_STATES)
    canton = Code("cantons")
    locale = Choice(LOCALES)
    created_from = Instant()
    created_to = Instant(ends=True)


class AccountSearch(AccountFilter):
    """In a body, where what is typed stands in no address and no log."""

    q = Text(load_default=None, allow_none=True)
    limit = Number(least=1, most=PAGE_MOST, load_default=PAGE_USUAL)


class CaseFilter(Page):
    state = Choice(CASE_STATES)
    late = Flag()


class LinkDecision(Input):
    record_number = Text(required=True)
    reason = Code("reasons.link", required=True)
    note = Note(load_default=None, allow_none=True)


class RecordCreation(Input):
    reason = Code("reasons.create-record", required=True)
    note = Note(load_default=None, allow_none=True)


class Rejection(Input):
    reason = Code("reasons.reject", required=True)
    note = Note(load_default=None, allow_none=True)


class Taking(Input):
    """`instead_of`: the clerk to take it from, as a refusal names them."""

    instead_of = Id(load_default=None, allow_none=True)


class QuestionToHolder(Input):
    text = Note(required=True)


class Locking(Input):
    reason = Code("reasons.lock", required=True)
    note = Note(load_default=None, allow_none=True)


class Unlocking(Input):
    reason = Code("reasons.unlock", required=True)
    note = Note(load_default=None, allow_none=True)


class Closing(Input):
    reason = Code("reasons.close", required=True)
    note = Note(load_default=None, allow_none=True)


class Merge(Input):
    """`account`: the other one, which is closed."""

    account = Id(required=True)
    reason = Code("reasons.merge", required=True)
    note = Note(load_default=None, allow_none=True)


class Separation(Input):
    reason = Code("reasons.unmerge", required=True)
    note = Note(load_default=None, allow_none=True)


class Resending(Input):
    reason = Code("reasons.resend", required=True)
    note = Note(load_default=None, allow_none=True)


class NotingDown(Input):
    note = Note(required=True)


class Correction(Input):
    email = Email(required=True)
    reason = Code("reasons.correct", required=True)
    note = Note(load_default=None, allow_none=True)


class RecoveryProposal(Input):
    email = Email(required=True)
    reason = Code("reasons.recovery", required=True)
    note = Note(load_default=None, allow_none=True)


class Unlinking(Input):
    reason = Code("reasons.unlink", required=True)
    note = Note(load_default=None, allow_none=True)
