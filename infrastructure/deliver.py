"""What each kind of outbox item asks of a worker: messages to people, and the matching of profiles."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from application.accounts import Accounts
from application.linking import Linking
from application.ports import Clock
from domain import errors
from domain.values import address_key
from infrastructure.event_store import EventStore
from infrastructure.institution import Institution
from infrastructure.mail import Connection, Mailer, MailFailed, MailRefused, compose
from infrastructure.messages import render
from infrastructure.outbox import OutboxItem, settled
from infrastructure.records import Records
from infrastructure.settings import Settings
from infrastructure.sign_in_link import SignInLinks
from infrastructure.worker import GiveUp, Handler, Retry

# By how many initial passwords had been made before the one that may not have arrived: there are few of them, and a
# server that says "not now" once it has the message says so for minutes.
REST_SECONDS = {0: 60.0, 1: 900.0}


class Deliveries:
    """Handlers by kind. A secret is made by the worker that mails it, and stands nowhere else."""

    def __init__(
        self,
        *,
        store: EventStore,
        accounts: Accounts,
        linking: Linking,
        records: Records,
        mailer: Mailer,
        links: SignInLinks,
        institution: Institution,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._linking = linking
        self._records = records
        self._mailer = mailer
        self._links = links
        self._institution = institution
        self._settings = settings
        self._clock = clock

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "match": _refusals_end(self._match),
            "initial-password": _refusals_end(self._initial_password),
            "account-exists": _refusals_end(self._to_holder),
            "link-confirmed": _refusals_end(self._to_holder),
            "link-notice": _refusals_end(self._link_notice),
            "rejected": _refusals_end(self._rejected),
            "password-changed": _refusals_end(self._password_changed),
            "second-factor-added": _refusals_end(self._second_factor),
            "second-factor-removed": _refusals_end(self._second_factor),
            "second-factor-reset": _refusals_end(self._second_factor),
            "recovery-codes-issued": _refusals_end(self._second_factor),
        }

    def _match(self, item: OutboxItem) -> None:
        self._linking.match(item.account_id, settled=settled(item.id))

    def _initial_password(self, item: OutboxItem) -> None:
        account = self._store.account(item.account_id)
        try:
            with self._mailer.connect() as connection:
                # First: a recipient who is not taken now costs no password.
                connection.expect(self._settings.mail_from, account.email)
                password = self._accounts.issue_initial_password(account.id)
                values = {
                    "password": password,
                    "hours": int(self._settings.initial_password_lifetime.total_seconds() // 3600),
                    "sign_in_link": self._links.link(account.id),
                }
                try:
                    self._send(connection, item, account.email, account.locale, values)
                except MailFailed as failure:
                    raise _consequence(failure, REST_SECONDS.get(account.initial_passwords)) from None
        except MailFailed as failure:
            raise _consequence(failure) from None

    def _to_holder(self, item: OutboxItem, values: Mapping[str, Any] | None = None) -> None:
        account = self._store.account(item.account_id)
        self._deliver(item, account.email, account.locale, values or {})

    def _link_notice(self, item: OutboxItem) -> None:
        """To the record's own address, where that is another than the account's."""
        account = self._store.account(item.account_id)
        record = self._records.get(self._cause(item).record_number)
        if not record or not record.email or address_key(record.email) == address_key(account.email):
            raise GiveUp("not-needed", state="done")
        self._deliver(item, record.email, account.locale, {})

    def _rejected(self, item: OutboxItem) -> None:
        account = self._store.account(item.account_id)
        self._deliver(item, account.email, account.locale, {"reason": self._cause(item).reason})

    def _password_changed(self, item: OutboxItem) -> None:
        self._to_holder(item, {"changed_at": self._cause(item).timestamp})

    def _second_factor(self, item: OutboxItem) -> None:
        cause = self._cause(item)
        values = {"changed_at": cause.timestamp, "factor": getattr(cause, "kind", None)}
        self._to_holder(item, {**values, "device": None, "place": None})

    def _cause(self, item: OutboxItem) -> Any:
        stream, version = item.cause.split(":")
        return self._store.events_at([(item.position, UUID(stream), int(version))])[0]

    def _deliver(self, item: OutboxItem, to: str, locale: str, values: Mapping[str, Any]) -> None:
        try:
            with self._mailer.connect() as connection:
                self._send(connection, item, to, locale, values)
        except MailFailed as failure:
            raise _consequence(failure) from None

    def _send(
        self, connection: Connection, item: OutboxItem, to: str, locale: str, values: Mapping[str, Any]
    ) -> None:
        message = render(
            item.kind,
            locale,
            values={"email": to, **values},
            institution_name=self._institution.name,
            public_url=self._settings.public_url,
            contact=self._institution.contact,
        )
        mail = compose(
            message,
            to=to,
            mail_from=self._settings.mail_from,
            kind=item.kind,
            message_row_id=item.id,
            locale=locale,
            now=self._clock.now(),
        )
        connection.send(mail)


def _consequence(failure: MailFailed, delay: float | None = None) -> GiveUp | Retry:
    if isinstance(failure, MailRefused) and failure.permanent:
        return GiveUp(failure.code, state="bounced")
    return Retry(failure.code, delay)


def _refusals_end(handle: Callable[[OutboxItem], None]) -> Handler:
    """What the domain refuses will be refused again: the item ends, or waits where a person can see it."""

    def handler(item: OutboxItem) -> None:
        try:
            handle(item)
        except errors.Conflict:
            raise Retry("conflict") from None
        except errors.TooBusy:
            raise Retry("too-busy", delay=1) from None
        except errors.SignedInAlready:
            raise GiveUp("signed-in-already", state="done") from None
        except errors.InitialPasswordsExhausted:
            raise GiveUp("initial-passwords-exhausted", state="parked") from None
        except errors.Refused as refusal:
            raise GiveUp(refusal.code, state="failed") from None

    return handler
