"""Fields that judge strictly: a number is no text, a text no number, and each has its limit.

A refusal is a code (`api.faults`), never a sentence, so that it can be told in the reader's language.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from marshmallow import RAISE, Schema, fields

from api.faults import Faulty
from domain.calendar import ZURICH
from domain.passwords import composed
from domain.policies import EMAIL_LIMIT, NOTE_LIMIT, PASSWORD_MAX_LENGTH, TEXT_LIMIT
from domain.values import InvalidValue, has_control_characters, parse_ahv
from infrastructure.codes import is_code

OLDEST_YEARS = 120
MOST_APART = 4  # characters that NFC makes one of; Unicode FAQ, «Normalization»
REGION = "CH"  # whose national form of a phone number is understood

_CODES = {"required": "missing", "null": "null", "invalid": "invalid-value"}


class Input(Schema):
    """What somebody sends: unknown fields are refused, by name."""

    error_messages = {"unknown": "unknown-field", "type": "not-object"}  # noqa: RUF012 - marshmallow's own form

    class Meta:
        unknown = RAISE


class Text(fields.String):
    """A text without the white space around it. Where it may be missing, nothing typed is null.

    limit: characters. lines: line breaks are allowed.
    """

    default_error_messages = _CODES

    def __init__(self, *, limit: int = TEXT_LIMIT, lines: bool = False, **options: Any) -> None:
        self.limit = limit
        self.lines = lines
        super().__init__(**{"metadata": {"maxLength": limit}, **options})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping | None, **options: Any) -> Any:
        if not isinstance(value, str):
            raise Faulty("not-text")
        if has_control_characters(value, line_breaks=self.lines):
            raise Faulty("control-characters")
        typed = value.strip()
        if self.lines:  # pages send them as HTTP has them, and count them as one letter
            typed = typed.replace("\r\n", "\n")
        if self.is_too_long(typed):
            raise Faulty("too-long", max=self.limit)
        if typed:
            return self.understood(typed)
        if self.required:
            raise Faulty("empty")
        return None

    def is_too_long(self, typed: str) -> bool:
        return len(typed) > self.limit

    def understood(self, typed: str) -> Any:
        """What the text stands for."""
        return typed


class Note(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(limit=NOTE_LIMIT, lines=True, **options)


class Secret(Text):
    """A password: taken as typed, white space too, and counted composed, however its accents were typed."""

    def __init__(self, *, limit: int = PASSWORD_MAX_LENGTH, **options: Any) -> None:
        super().__init__(limit=limit, metadata={"format": "password", "maxLength": limit}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping | None, **options: Any) -> str:
        typed = super()._deserialize(value, attr, data, **options)
        if self.is_too_long(value):
            raise Faulty("too-long", max=self.limit)
        if typed is None:
            raise Faulty("empty")
        return value

    def is_too_long(self, typed: str) -> bool:
        # Composing takes time with the square of what it is given, and makes one of four at most.
        return len(typed) > MOST_APART * self.limit or len(composed(typed)) > self.limit


class Email(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(limit=EMAIL_LIMIT, metadata={"format": "email", "maxLength": EMAIL_LIMIT}, **options)

    def understood(self, typed: str) -> str:
        try:
            # `.test` reaches nobody, so whoever tries the service out may use it.
            known = validate_email(
                typed, check_deliverability=False, allow_smtputf8=False, test_environment=True
            )
        except EmailNotValidError:
            raise Faulty("invalid-email") from None
        return known.normalized


class AhvNumber(Text):
    """13 digits, dots allowed. Source: docs/sources.md#S3."""

    def understood(self, typed: str) -> str:
        try:
            return parse_ahv(typed)
        except InvalidValue as refused:
            raise Faulty(refused.code) from None


class Phone(Text):
    """E.164; the Swiss national form is understood."""

    def understood(self, typed: str) -> str:
        try:
            number = phonenumbers.parse(typed, REGION)
        except phonenumbers.NumberParseException:
            raise Faulty("invalid-phone") from None
        if number.extension or not phonenumbers.is_valid_number(number):
            raise Faulty("invalid-phone")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class Day(Text):
    """A date, ISO 8601: `1980-12-31`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"format": "date"}, **options)

    def understood(self, typed: str) -> date:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", typed):
            raise Faulty("invalid-date")
        try:
            return date.fromisoformat(typed)
        except ValueError:
            raise Faulty("invalid-date") from None


class BirthDate(Day):
    """today: reads the day in Switzerland."""

    def __init__(self, today: Callable[[], date], **options: Any) -> None:
        self.today = today
        super().__init__(**options)

    def understood(self, typed: str) -> date:
        born, today = super().understood(typed), self.today()
        if born > today:
            raise Faulty("future-date")
        if (today.year - born.year, today.month, today.day) > (OLDEST_YEARS, born.month, born.day):
            raise Faulty("too-old-date")
        return born


class Instant(Text):
    """A moment with its time zone. A bare date is a day in Switzerland: its first moment, or where it ends.

    ends: a bare date includes its whole day.
    """

    def __init__(self, *, ends: bool = False, **options: Any) -> None:
        self.ends = ends
        super().__init__(metadata={"description": "RFC 3339, or a date."}, **options)

    def understood(self, typed: str) -> datetime:
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", typed):
                day = date.fromisoformat(typed) + timedelta(days=1 if self.ends else 0)
                return datetime.combine(day, time(), ZURICH).astimezone(UTC)
            moment = datetime.fromisoformat(
                typed.replace(" ", "+")
            )  # an unescaped + in an address is a space
            if moment.tzinfo is None:
                raise Faulty("invalid-instant")
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Faulty("invalid-instant") from None


class Id(Text):
    """A UUID in an address."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"format": "uuid"}, **options)

    def understood(self, typed: str) -> UUID:
        if not re.fullmatch("[0-9a-fA-F-]{36}", typed):
            raise Faulty("invalid-value")
        try:
            return UUID(typed)
        except ValueError:
            raise Faulty("invalid-value") from None


class Choice(Text):
    """One of a few words."""

    def __init__(self, words: Collection[str], **options: Any) -> None:
        self.words = words
        super().__init__(metadata={"enum": sorted(words)}, **options)

    def understood(self, typed: str) -> str:
        if typed not in self.words:
            raise Faulty("unknown-code")
        return typed


class Code(Text):
    """A code of the institution's lists. listed: which list, reasons as `reasons.link`."""

    def __init__(self, listed: str, **options: Any) -> None:
        self.listed = listed
        super().__init__(metadata={"description": f"A code of `{listed}`, see `GET /codes`."}, **options)

    def understood(self, typed: str) -> str:
        if not is_code(self.listed, typed):
            raise Faulty("unknown-code")
        return typed


class Accepted(fields.Boolean):
    """Must be true, in JSON's own word for it."""

    default_error_messages = _CODES

    def _deserialize(self, value: Any, attr: str | None, data: Mapping | None, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise Faulty("not-boolean")
        if not value:
            raise Faulty("must-accept")
        return value


class Flag(Text):
    """`true` or `false` in an address."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"enum": ["true", "false"]}, **options)

    def understood(self, typed: str) -> bool:
        if typed not in ("true", "false"):
            raise Faulty("not-boolean")
        return typed == "true"


class Count(fields.Integer):
    """A whole number in an address, from `least` to `most`."""

    default_error_messages = _CODES

    def __init__(self, *, least: int, most: int, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(metadata={"minimum": least, "maximum": most}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping | None, **options: Any) -> int:
        if not isinstance(value, str) or not re.fullmatch("-?[0-9]{1,18}", value):
            raise Faulty("not-integer")
        if not self.least <= int(value) <= self.most:
            raise Faulty("out-of-range", min=self.least, max=self.most)
        return int(value)


class Number(Count):
    """The same in a body, where a number is one."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping | None, **options: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Faulty("not-integer")
        return super()._deserialize(str(value), attr, data, **options)
