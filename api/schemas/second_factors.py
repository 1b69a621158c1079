"""Bodies by which people enrol, confirm and remove what is asked for besides the password."""

from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validates_schema

from api.faults import Fault, Faulty
from api.schemas.fields import Code, Input, Note, Text

CODE_LIMIT = 64  # characters: a recovery code, however it is spaced


class OneTimeCode(Text):
    """Six digits of an app, or a recovery code; spaces and hyphens do not count."""

    def __init__(self, **options: Any) -> None:
        super().__init__(limit=CODE_LIMIT, **options)


class Identifier(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"format": "uuid"}, **options)

    def understood(self, typed: str) -> UUID:
        try:
            return UUID(typed)
        except ValueError:
            raise Faulty("invalid-id") from None


class Credential(fields.Dict):
    """What a browser's `PublicKeyCredential.toJSON()` gives; looked into where it is verified."""

    default_error_messages = {"required": "missing", "null": "null", "invalid": "not-object"}  # noqa: RUF012


class Confirmation(Input):
    """A `code` for an app, a `credential` for a passkey."""

    code = OneTimeCode()
    credential = Credential()
    label = Text(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def holds_one(self, data: dict[str, Any], **_options: Any) -> None:
        given = {name for name in ("code", "credential") if data.get(name) is not None}
        if not given:
            raise ValidationError({"code": [Fault("missing")]})
        if len(given) > 1:
            raise ValidationError({"credential": [Fault("unknown-field")]})


class PasskeyAnswered(Input):
    """attempt: of the question. credential: what `navigator.credentials.get()` gave for its options."""

    attempt = Identifier(required=True)
    credential = Credential(required=True)


class SecondFactorReset(Input):
    reason = Code("reasons.second-factor-reset", required=True)
    note = Note(load_default=None, allow_none=True)
