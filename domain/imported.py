"""Accounts that the institution had already and brought along in a file; how their holders are asked in."""

from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.fact import Fact
from domain.values import Personal

ORIGIN: Final = "imported"


class LineRefused(Exception):
    """A line of a file does not go with what is there already. code: stable; field: the column, or None."""

    def __init__(self, field: str | None, code: str) -> None:
        super().__init__(code)
        self.field = field
        self.code = code


class Imported:
    """A part of `Account`. invited: whether the holder of an imported one was written to."""

    class AccountImported(Fact, Aggregate.Created):
        """The institution brought the account along in a file; nobody was written to."""

        TOPIC = "account.imported"
        email: Annotated[str, Personal]
        given_name: Annotated[str, Personal]
        family_name: Annotated[str, Personal]
        locale: str
        profile_id: UUID  # the stream that will hold the personal data

        def apply(self, aggregate: "Imported") -> None:
            aggregate.begin(self, ORIGIN)

    class AccountImportedAgain(Fact):
        """A file of the institution named the account anew, in other words; its holder had not come yet."""

        TOPIC = "account.imported-again"
        given_name: Annotated[str, Personal]
        family_name: Annotated[str, Personal]
        locale: str
        renamed: bool  # names among what is other than before

        def apply(self, aggregate: "Imported") -> None:
            aggregate.given_name = self.given_name
            aggregate.family_name = self.family_name
            aggregate.locale = self.locale

    class AccountInvited(Fact):
        """The holder of an imported account is written to, with an initial password."""

        TOPIC = "account.invited"

        def apply(self, aggregate: "Imported") -> None:
            aggregate.invited = True

    @classmethod
    def bring_along(
        cls,
        account_id: UUID,
        *,
        profile_id: UUID,
        email: str,
        given_name: str,
        family_name: str,
        locale: str,
        actor: UUID,
        now: datetime,
    ) -> Self:
        """An account from a file. It has no password: its holder is invited, or asks for one."""
        return cls._create(
            cls.AccountImported,
            id=account_id,
            profile_id=profile_id,
            email=email,
            given_name=given_name,
            family_name=family_name,
            locale=locale,
            actor=actor,
            timestamp=now,
        )

    def take_from_file(
        self, *, given_name: str, family_name: str, locale: str, actor: UUID, now: datetime
    ) -> None:
        """What a file says of an account that is there; the same changes nothing. Raises LineRefused."""
        told = {"given_name": given_name, "family_name": family_name, "locale": locale}
        different = [name for name, value in told.items() if getattr(self, name) != value]
        if different:
            self.must_be_untouched(different[0])
            renamed = different != ["locale"]
            self.trigger_event(self.AccountImportedAgain, renamed=renamed, actor=actor, timestamp=now, **told)

    def must_be_untouched(self, field: str) -> None:
        """From the first sign-in on an account is its holder's, and no file speaks for her. Raises LineRefused."""
        if self.state != "requested":
            raise LineRefused(field, "in-use")

    @property
    def awaits_invitation(self) -> bool:
        return self.origin == ORIGIN and not self.invited and self.state == "requested"

    def invite(self, *, actor: UUID, now: datetime) -> None:
        """Once only; who has come, or may not, is not asked in."""
        if self.awaits_invitation:
            self.trigger_event(self.AccountInvited, actor=actor, timestamp=now)
