"""A form: what was typed into it, what is wrong with that, and what it stands for.

A view makes one, asks it to `read`, and carries out the command under `refusals`; what it does not answer by then, it
shows again:

    form = Form(EmailChange)
    if wanted := form.read():
        with form.refusals():
            saved = service().address_changes.ask(…, **wanted)
            return go("profile.email_sent", after=saved)
    return page("profile/email.html", form=form)
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from flask import g, request
from marshmallow import Schema, ValidationError, fields

from api import errors
from api.context import locale
from api.faults import Fault, InvalidInput, gathered
from api.web import csrf, visitors
from api.web.words import fault_in_words
from domain.errors import Refused

CHECKED: Final = "true"  # the value of a box that was ticked

Adapt = Callable[[dict[str, Any]], dict[str, Any]]


class Form:
    """faults: field → messages. problem: of the form as a whole, title and detail. notice: why it is shown again."""

    def __init__(
        self, schema: type[Schema], shown: Mapping[str, str | None] | None = None, adapt: Adapt | None = None
    ) -> None:
        """shown: what stands in the fields at first. adapt: from what pages send to what the API takes."""
        self._schema = schema()
        self._adapt = adapt or (lambda sent: sent)
        self.faults: dict[str, list[str]] = {}
        self.problem: dict[str, Any] | None = None
        self.notice: str | None = None
        self.status = 200
        self.retry_after: int | None = None
        self.is_sent = request.method == "POST"
        self.values = {name: text or "" for name, text in (shown or {}).items()}
        if self.is_sent:
            self.values = csrf.typed()
        elif "returned" in g:
            self._bring_back(g.returned.typed, 403)
        elif typed := visitors.kept():
            self._bring_back(typed, 200)

    def read(self) -> dict[str, Any] | Any | None:
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

    def refused(self, refusal: Refused) -> None:
        if invalid := errors.field_of(refusal):
            self.wrong(invalid)
            return
        response = errors.of_refusal(refusal)
        self.problem, self.status = response.members, response.status_code
        self.retry_after = response.headers.get("Retry-After", type=int)

    def wrong(self, invalid: InvalidInput) -> None:
        said = invalid.messages(locale())
        for field, codes in invalid.faults.items():
            special = [fault_in_words(field, code) for code in codes]
            self.faults[field] = [own or usual for own, usual in zip(special, said[field], strict=True)]
        self.status = 422

    def wrong_field(self, field: str, fault: str) -> None:
        """fault: a code of the table `fields` of the problems."""
        self.wrong(InvalidInput({field: [Fault(fault)]}))

    def done(self) -> None:
        """It was carried out: nothing has to be brought back any more."""
        if self.is_sent:
            visitors.forget_kept()

    @property
    def is_wrong(self) -> bool:
        return bool(self.faults or self.problem)

    def _bring_back(self, typed: dict[str, str], status: int) -> None:
        self.values |= typed
        self.notice, self.status = "brought-back", status


def _sent(typed: Mapping[str, str], name: str, field: fields.Field) -> Any:
    return typed.get(name) == CHECKED if isinstance(field, fields.Boolean) else typed.get(name)
