"""What must leave the service because of an event: derived once, never rebuilt.

A row is unique per cause, kind and recipient for ever; `migrations/0001_write_side.sql` makes the table, for workers
change it too (infrastructure/outbox.py).
"""

from domain.account import Account
from domain.profile import Profile
from projections.read_model import Fact, ReadModel, Row

outbox = ReadModel(
    "outbox",
    version=7,
    columns={
        "cause": "text",
        "kind": "text",
        "recipient": "text",
        "account_id": "uuid",
        "position": "bigint",
    },
    key=("cause", "kind", "recipient"),
    keeps_first=True,
    rebuildable=False,
)


@outbox.folds(Account.AccountRequested)
def _(fact: Fact) -> Row:
    return _item(fact, "initial-password")


@outbox.folds(Account.AccountInvited)
def _(fact: Fact) -> list[Row]:
    """Only now, for of what is imported nothing follows."""
    return [_item(fact, "initial-password"), _item(fact, "match", recipient="system")]


@outbox.folds(Account.AccountRequestedAgain)
def _(fact: Fact) -> Row:
    return _item(fact, "account-exists")


@outbox.folds(Account.PasswordChanged)
def _(fact: Fact) -> Row:
    return _item(fact, "password-changed")


@outbox.folds(Account.PasswordReset)
def _(fact: Fact) -> Row:
    return _item(fact, "password-changed")


@outbox.folds(Account.PasswordResetRequested)
def _(fact: Fact) -> Row:
    return _item(fact, "password-reset")


@outbox.folds(Account.EmailChangeRequested)
def _(fact: Fact) -> list[Row]:
    return [_item(fact, "email-change-confirm", recipient="new"), _item(fact, "email-change-notice")]


@outbox.folds(Account.EmailChanged)
def _(fact: Fact) -> list[Row]:
    return [_item(fact, "email-changed"), _item(fact, "email-changed-previous", recipient="previous")]


@outbox.folds(Account.EmailChangeTakenBack)
def _(fact: Fact) -> list[Row]:
    return [_item(fact, "email-change-taken-back"), _item(fact, "email-change-undone", recipient="previous")]


TOLD_TO_THE_HOLDER = {
    Account.EmailChangeCancelled: "email-change-cancelled",
    Account.RecoveryProposed: "recovery-proposed",
    Account.AccountLocked: "account-locked",
    Account.AccountUnlocked: "account-unlocked",
    Account.AccountClosed: "account-closed",
    Account.AccountReopened: "account-reopened",
    Account.AccountMerged: "account-merged",
    Account.OtherAccountMerged: "other-account-merged",
    Account.AccountSeparated: "accounts-separated",
    Account.OtherAccountSeparated: "accounts-separated",
    Account.InitialPasswordResent: "initial-password",
    Account.SecondFactorEnrolled: "second-factor-added",
    Account.SecondFactorRemoved: "second-factor-removed",
    Account.SecondFactorReset: "second-factor-reset",
    Account.RecoveryCodesIssued: "recovery-codes-issued",
    Account.RecoveryCodeUsed: "recovery-code-used",
    Account.ErasureApproved: "erased",
}
KINDS = {event.TOPIC: kind for event, kind in TOLD_TO_THE_HOLDER.items()}


@outbox.folds(*TOLD_TO_THE_HOLDER)
def _(fact: Fact) -> Row:
    return _item(fact, KINDS[fact.topic])


@outbox.folds(Profile.ProfileSubmitted, Profile.ProfileCorrected)
def _(fact: Fact) -> Row:
    return _item(fact, "match", recipient="system")


@outbox.folds(Profile.RecordLinked)
def _(fact: Fact) -> list[Row]:
    return [_item(fact, "link-confirmed"), _item(fact, "link-notice", recipient="record")]


@outbox.folds(Account.AccountActivated)
def _(fact: Fact) -> Row | None:
    """Only now, for of what is imported nobody is told."""
    return _item(fact, "link-notice", recipient="record") if getattr(fact, "imported_link", None) else None


@outbox.folds(Profile.QuestionAsked)
def _(fact: Fact) -> Row:
    return _item(fact, "question")


@outbox.folds(Profile.CaseRejected)
def _(fact: Fact) -> Row:
    return _item(fact, "rejected")


def _item(fact: Fact, kind: str, *, recipient: str = "holder") -> Row:
    return {
        "cause": f"{fact.originator_id}:{fact.originator_version}",
        "kind": kind,
        "recipient": recipient,
        "account_id": fact.account_id,
        "position": fact.position,
    }
