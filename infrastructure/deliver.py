"""What each kind of outbox item asks of a worker: letters to people, and the matching of profiles."""

from collections.abc import Callable, Mapping

from application.accounts import Accounts
from application.linking import Linking
from application.ports import Clock
from domain import errors
from domain.account import Account
from infrastructure.erasure_book import LAST_MESSAGE
from infrastructure.event_store import EventStore
from infrastructure.institution import Institution
from infrastructure.letters import Letter, Letters
from infrastructure.mail import Connection, Mailer, MailFailed, MailRefused, compose
from infrastructure.messages import render
from infrastructure.outbox import OutboxItem, settled
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
        letters: Letters,
        mailer: Mailer,
        links: SignInLinks,
        institution: Institution,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._linking = linking
        self._letters = letters
        self._mailer = mailer
        self._links = links
        self._institution = institution
        self._settings = settings
        self._clock = clock

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "match": _refusals_end(self._match),
            "initial-password": _refusals_end(self._initial_password),
            **dict.fromkeys(self._letters.kinds(), _refusals_end(self._letter)),
        }

    def _match(self, item: OutboxItem) -> None:
        self._account(item)
        self._linking.match(item.account_id, settled=settled(item.id))

    def _initial_password(self, item: OutboxItem) -> None:
        account = self._account(item)
        try:
            with self._mailer.connect() as connection:
                # First: a recipient who is not taken now costs no password.
                connection.expect(self._settings.mail_from, account.email)
                password = self._accounts.issue_initial_password(account.id)
                values = {
                    **self._letters.said_of_each(account, item),
                    "asked_at": account.asked_at[0]
                    if account.asked_at
                    else None,  # also where it is sent again
                    **dict.fromkeys(("opening", "unwanted"), "requested" if account.asked_at else "invited"),
                    "password": password,
                    "hours": int(self._settings.initial_password_lifetime.total_seconds() // 3600),
                    "sign_in_link": self._links.link(account.id),
                }
                try:
                    self._send(connection, item, Letter(item.kind, account.email, values), account.locale)
                except MailFailed as failure:
                    raise _consequence(failure, REST_SECONDS.get(account.initial_passwords)) from None
        except MailFailed as failure:
            raise _consequence(failure) from None

    def _letter(self, item: OutboxItem) -> None:
        account = self._account(item)
        letter = self._letters.letter(account, item)
        if letter is None:
            raise GiveUp("not-needed", state="done")
        try:
            with self._mailer.connect() as connection:
                self._send(connection, item, letter, account.locale)
        except MailFailed as failure:
            raise _consequence(failure) from None

    def _account(self, item: OutboxItem) -> Account:
        """Whose it is. From the approval of an erasure on, its own message is the last."""
        account = self._store.account(item.account_id)
        if item.kind != LAST_MESSAGE and self._person_of(account).erasure_is_approved:
            raise GiveUp("erasure-approved", state="done")
        return account

    def _person_of(self, account: Account) -> Account:
        """The account that goes on for whoever has several."""
        while account.merged:
            account = self._store.account(account.merged.into)
        return account

    def _send(self, connection: Connection, item: OutboxItem, letter: Letter, locale: str) -> None:
        message = render(
            letter.kind,
            locale,
            values={"email": letter.to, **letter.values},
            institution_name=self._institution.name,
            public_url=self._settings.public_url,
            contact=self._institution.contact,
            colours=self._institution.appearance.colours,
        )
        mail = compose(
            message,
            to=letter.to,
            mail_from=self._settings.mail_from,
            kind=letter.kind,
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
        except errors.AccountErased:
            raise GiveUp("account-erased", state="done") from None
        except errors.SignedInAlready:
            raise GiveUp("signed-in-already", state="done") from None
        except errors.InitialPasswordsExhausted:
            raise GiveUp("initial-passwords-exhausted", state="parked") from None
        except errors.Refused as refusal:
            raise GiveUp(refusal.code, state="failed") from None

    return handler
