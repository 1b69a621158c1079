"""A form: what was typed into it, what is wrong with that, and what it stands for.

A view makes one, asks it to `read`, and carries out the command under `refusals`; what it does not answer by then, it
shows again:

    form = Form(EmailChange)
    if wanted := form.read():
        with form.refusals():
            saved = service().address_changes.ask(…, **wanted)
            return go("profile.email_sent", after=saved)
    return page("profile/email.html", form=form)

A form that is wrong is shown again by GET (`api.web.again`), so that going back and reloading never send it twice.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from flask import g, request
from marshmallow import Schema, ValidationError, fields

from api import errors
from api.context import locale
from api.faults import Fault, InvalidInput, gathered
from api.web import again, csrf, visitors
from api.web.words import fault_in_words
from domain.errors import AccountClosed, AccountLocked, Refused

CHECKED: Final = "true"  # the value of a box that was ticked

BARRED: Final = (AccountLocked.code, AccountClosed.code)

ASKED: Final = "asked"  # the notice of a form whose page asks in words of its own

Adapt = Callable[[dict[str, Any]], dict[str, Any]]


class Form:
    """values: what its fields show. notice: why it is shown again though nothing is wrong.

    said: what else the page has to know of what was sent, in JSON's own kinds; it comes back with the form.
    """

    def __init__(
        self, schema: type[Schema], shown: Mapping[str, str | None] | None = None, adapt: Adapt | None = None
    ) -> None:
        """shown: what stands in the fields at first. adapt: from what pages send to what the API takes."""
        self._schema = schema()
        self._adapt = adapt or (lambda sent: sent)
        self._invalid: dict[str, list[Fault]] = {}
        self._refused: str | None = None
        self._told: dict[str, object] | None = None
        self.notice: str | None = None
        self.said: dict[str, Any] = {}
        self.status = 200
        self.retry_after: int | None = None
        self.is_sent = request.method == "POST"
        self.values = {name: text or "" for name, text in (shown or {}).items()}
        if self.is_sent:
            self.values = csrf.typed()
        elif "returned" in g:
            self._bring_back(g.returned.typed, 403)
        elif (state := again.state()) and state["form"] == self.name:
            self._restore(state)
        elif typed := visitors.kept():
            self._bring_back(typed, 200)

    @property
    def name(self) -> str:
        """By which it is told from other forms of its page."""
        return type(self._schema).__name__

    # --- what was sent

    def read(self) -> Any | None:
        """What was sent, understood; None where nothing was, or where it is wrong and the form says how."""
        return self.understood(request.form) if self.is_sent else None

    def understood(self, typed: Mapping[str, str]) -> dict[str, Any] | Any | None:
        """The same of what came another way: in an address, or kept since the page before."""
        named = [(field.data_key or name, field) for name, field in self._schema.fields.items()]
        sent = {name: _sent(typed, name, field) for name, field in named}
        sent = {name: text for name, text in sent.items() if text is not None}
        try:
            return self._schema.load(self._adapt(sent))
        except ValidationError as wrong:
            self.wrong(InvalidInput(gathered(wrong.normalized_messages())))
            return None

    @contextmanager
    def refusals(self, *, but: tuple[type[Refused], ...] = ()) -> Iterator[None]:
        """What is carried out within may be refused: the form then says why. but: what a page of its own says."""
        try:
            yield
        except but:
            raise
        except Refused as refusal:
            self.refused(refusal)
        else:
            if not self.is_wrong:
                self.done()

    def done(self) -> None:
        """It was carried out: nothing has to be brought back any more."""
        if self.is_sent:
            visitors.forget_kept()
            again.forget()

    # --- what is wrong with it

    def refused(self, refusal: Refused) -> None:
        if invalid := errors.field_of(refusal):
            self.wrong(invalid)
            return
        self._refused, self.status = refusal.code, errors.status_of(refusal.code)
        self.retry_after = refusal.details.get("retry_after", errors.RETRY_SECONDS.get(refusal.code))

    def wrong(self, invalid: InvalidInput) -> None:
        for field, faults in invalid.faults.items():
            told = [fault if isinstance(fault, Fault) else Fault(fault) for fault in faults]
            self._invalid.setdefault(field, []).extend(told)
        self.status = 422

    def wrong_field(self, field: str, fault: str) -> None:
        """fault: a code of the table `fields` of the problems."""
        self.wrong(InvalidInput({field: [Fault(fault)]}))

    def ask(self, **said: Any) -> None:
        """Let the page ask about what was typed, before anything is carried out. said: about what."""
        self.said |= said
        self.notice = ASKED

    @property
    def is_wrong(self) -> bool:
        return bool(self._invalid or self._refused or self._told)

    @property
    def faults(self) -> dict[str, list[str]]:
        """field → messages, in the reader's language."""
        usual = InvalidInput(self._invalid).messages(locale())
        return {
            field: [
                fault_in_words(field, fault) or said for fault, said in zip(faults, usual[field], strict=True)
            ]
            for field, faults in self._invalid.items()
        }

    @property
    def problem(self) -> dict[str, object] | None:
        """What is wrong with it as a whole: a problem's members, in the reader's language."""
        return self._told or (errors.document(self._refused, locale()) if self._refused else None)

    @problem.setter
    def problem(self, told: dict[str, object]) -> None:
        """Title and detail in a page's own words."""
        self._told = told

    @property
    def needs_help(self) -> bool:
        """Whether only the secretariat gets any further."""
        return self._refused in BARRED

    # --- from one request to the next

    def state(self) -> dict[str, Any]:
        """All that the next request needs to show it again, in JSON's own kinds."""
        return {
            "form": self.name,
            "values": self.values,
            "invalid": {
                field: [[str(fault), dict(fault.params)] for fault in faults]
                for field, faults in self._invalid.items()
            },
            "refused": self._refused,
            "told": self._told,
            "notice": self.notice,
            "said": self.said,
            "status": self.status,
            "retry_after": self.retry_after,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.values |= state["values"]
        self._invalid = {
            field: [Fault(code, **params) for code, params in faults]
            for field, faults in state["invalid"].items()
        }
        self._refused, self._told = state["refused"], state["told"]
        self.notice, self.said = state["notice"], state["said"]
        self.status, self.retry_after = state["status"], state["retry_after"]

    def _bring_back(self, typed: dict[str, str], status: int) -> None:
        self.values |= typed
        self.notice, self.status = "brought-back", status


def _sent(typed: Mapping[str, str], name: str, field: fields.Field) -> Any:
    return typed.get(name) == CHECKED if isinstance(field, fields.Boolean) else typed.get(name)
