"""Which passwords people may choose."""

from collections.abc import Iterator
from dataclasses import dataclass

from application.ports import EventLog, PasswordQuality
from domain import errors
from domain.account import Account
from domain.passwords import composed, refuse_names, refuse_unfit_length


@dataclass(frozen=True)
class Passwords:
    """institution: its name, which no password may hold."""

    quality: PasswordQuality
    log: EventLog
    institution: str

    def acceptable(self, typed: str, account: Account, *, with_second_factor: bool = False) -> str:
        """The password in the form that is hashed. Reckons for up to 0.2 s: never within a transaction.

        Raises PasswordTooShort, PasswordTooLong, PasswordHoldsName, PasswordCommon.
        """
        password = composed(typed)
        refuse_unfit_length(password, with_second_factor=with_second_factor)
        # An erased person's address is none; nobody is left who could choose.
        names = [name for name in self._names(account) if isinstance(name, str)]
        refuse_names(password, names=names, email=str(account.email), institution=self.institution)
        if self.quality.is_common(password):
            raise errors.PasswordCommon
        return password

    def _names(self, account: Account) -> Iterator[object]:
        yield from (account.given_name, account.family_name)
        try:
            data = self.log.profile(account.profile_id).data
        except errors.ProfileMissing:
            return
        yield from (data.given_name, data.family_name, data.birth_name)
