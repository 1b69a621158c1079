"""A form that asks once more who it is: for the password, or for a passkey's answer in its place.

The answer is brought by `profile.js` in a hidden field, as the JSON that the API takes.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from flask import request
from marshmallow import Schema

from api.context import service
from api.identity import me
from api.schemas.accounts import Reauthentication
from api.web.forms import Form
from application.second_factors import Held
from domain.errors import WrongPassword

ANSWER: Final = "credential"  # the hidden field


class GuardedForm(Form):
    """password: the name of its field."""

    def __init__(self, schema: type[Schema] = Reauthentication, shown: dict[str, str] | None = None) -> None:
        super().__init__(schema, shown, adapt=self._evidence)
        self.password = schema().fields["password"].data_key or "password"

    @contextmanager
    def refusals(self, **options: Any) -> Iterator[None]:
        """As of any form; a wrong password stands beside its field."""
        with super().refusals(**options):
            try:
                yield
            except WrongPassword:
                self.wrong_field(self.password, "wrong-password")
                self.status = 403

    def _evidence(self, sent: dict[str, Any]) -> dict[str, Any]:
        answer = request.form.get(ANSWER)
        if not answer:
            return sent
        # The password's field comes along, empty.
        others = {name: text for name, text in sent.items() if name != self.password}
        return {**others, "passkey": _read(answer)}


def _read(answer: str) -> Any:
    """None for what is no JSON, which the schema refuses."""
    try:
        return json.loads(answer)
    except ValueError:
        return None


def passkey_offered() -> bool:
    """Whether the account has a passkey that could answer."""
    held, _ = service().factors.of(me().account_id)
    return has_passkey(held)


def has_passkey(held: Iterable[Held]) -> bool:
    return any(factor.kind == "passkey" for factor in held)
