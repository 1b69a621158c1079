"""Refusals: what the domain says no to, each with a stable code that clients and translations rely on."""


class Refused(Exception):
    """A command was refused; nothing was written.

    code: stable, kebab-case, the last part of `/problems/<code>`. details: facts a door may show, never personal data.
    """

    code = "refused"

    def __init__(self, **details: object) -> None:
        super().__init__(self.code)
        self.details = details


class AccountUnknown(Refused):
    code = "not-found"


class NotYet(Refused):
    """It did not exist then."""

    code = "not-yet"


class AccountErased(Refused):
    code = "account-erased"


class AccountLocked(Refused):
    code = "account-locked"


class AccountClosed(Refused):
    code = "account-closed"


class OwnAccount(Refused):
    """Staff does not do this to their own account."""

    code = "own-account"


class SameAccount(Refused):
    """An account cannot be merged with itself."""

    code = "same-account"


class AlreadyMerged(Refused):
    """Another account of the person goes on instead. details: by (actor), at (instant), into (an account's id)."""

    code = "already-merged"


class NotMerged(Refused):
    code = "not-merged"


class DataInOther(Refused):
    """The account that is to go on has no personal data, and the other one has."""

    code = "data-in-other"


class SamePerson(Refused):
    """A second person must approve."""

    code = "same-person"


class RecoveryUnknown(Refused):
    code = "not-found"


class RecoveryLapsed(Refused):
    """Proposed too long ago, or its holder chose a password since."""

    code = "recovery-lapsed"


class ErasureUnknown(Refused):
    code = "not-found"


class SessionUnknown(Refused):
    code = "not-found"


class SessionEnded(Refused):
    """It was ended while the request was under way."""

    code = "not-signed-in"


class LinkDead(Refused):
    """A mailed link was used, has expired, a newer one was asked for, or it never was one."""

    code = "token-dead"


class EmailTaken(Refused):
    code = "email-taken"


class EmailUnchanged(Refused):
    code = "email-unchanged"


class WrongCredentials(Refused):
    code = "wrong-credentials"


class WrongPassword(Refused):
    code = "wrong-password"


class WrongPasskey(Refused):
    """What a passkey was to confirm, it did not: another's, for another question, or used before."""

    code = "wrong-passkey"


class PasswordTooShort(Refused):
    code = "password-too-short"


class PasswordUnchanged(Refused):
    code = "password-unchanged"


class PasswordTooLong(Refused):
    code = "password-too-long"


class PasswordTooShortAlone(Refused):
    """Long enough beside a second factor, too short without one."""

    code = "password-too-short-alone"


class PasswordCommon(Refused):
    """It is among those that are tried first, or easily guessed."""

    code = "password-common"


class PasswordHoldsName(Refused):
    """details: kind (name, address, institution), never what was found."""

    code = "password-holds-name"


class SecondFactorNeeded(Refused):
    """The password was right, and the account asks for more. details: factors, the kinds that it has.

    proved: what the password proved, for a door that asks for the code in a second step; never shown.
    """

    code = "second-factor-needed"
    proved: object = None


class SecondFactorUnknown(Refused):
    code = "not-found"


class SecondFactorsExhausted(Refused):
    """An account has as many as it may have."""

    code = "second-factors-exhausted"


class NoSecondFactor(Refused):
    code = "no-second-factor"


class NoPasskey(Refused):
    code = "no-passkey"


class WrongCode(Refused):
    """The code that should confirm a new second factor."""

    code = "wrong-code"


class PasskeyRefused(Refused):
    """What an authenticator sent is malformed, for another site, too late or known already."""

    code = "passkey-refused"


class TooBusy(Refused):
    """The queue for password hashing is full."""

    code = "too-busy"


class TooManyRequests(Refused):
    """Too many attempts of late. details: retry_after (whole seconds)."""

    code = "too-many-requests"


class SignedInAlready(Refused):
    """The holder has signed in: an initial password is no longer needed."""

    code = "signed-in-already"


class NotInvited(Refused):
    """An imported account whose holder nobody has asked in: there is nothing to send again."""

    code = "not-invited"


class InitialPasswordsExhausted(Refused):
    """As many initial passwords as one request may have were issued."""

    code = "initial-passwords-exhausted"


class ProfileMissing(Refused):
    code = "profile-missing"


class StaleVersion(Refused):
    """What the caller had seen is no longer the newest (`If-Match`)."""

    code = "precondition-failed"


class CaseUnknown(Refused):
    code = "not-found"


class AlreadyDecided(Refused):
    """Somebody was first. details: by (actor), at (instant), state."""

    code = "already-decided"


class AlreadyTaken(Refused):
    """Another clerk has it. details: by (actor), at (instant), instead_of: the clerk to name for taking it over."""

    code = "already-taken"


class AlreadyAsked(Refused):
    """A question is open already. details: by (actor), at (instant)."""

    code = "already-asked"


class NothingAsked(Refused):
    """No question to this holder is open."""

    code = "nothing-asked"


class RecordUnknown(Refused):
    code = "record-unknown"


class RecordsNotWritable(Refused):
    """The register is kept elsewhere, and only read here."""

    code = "records-not-writable"


class RecordExists(Refused):
    """The register has somebody with the same AHV number."""

    code = "record-exists"


class RecordTaken(Refused):
    """The record belongs to another account. details: by (actor), at (instant) where known."""

    code = "record-taken"


class AlreadyLinked(Refused):
    code = "already-linked"


class OwnCase(Refused):
    """Nobody decides about their own link, not even staff."""

    code = "own-case"


class NotLinked(Refused):
    code = "not-linked"


class NotLinkedYet(Refused):
    """What the institution publishes about a record is shown to whoever is linked to it."""

    code = "not-linked-yet"


class DocumentUnknown(Refused):
    """There is none, or it is another's: nobody learns which."""

    code = "not-found"


class RoleUnknown(Refused):
    code = "role-unknown"


class Conflict(Refused):
    """Others changed the same thing again and again; trying later helps."""

    code = "conflict"


class NotVisibleYet(Refused):
    """A read model has not reached the position asked for in the time that a reader waits."""

    code = "soon"
