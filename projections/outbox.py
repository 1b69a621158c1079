"""What must leave the service because of an event: derived once, never rebuilt.

A row is unique per cause, kind and recipient for ever; `migrations/0001_write_side.sql` makes the table, for workers
change it too (infrastructure/outbox.py).
"""

from domain.account import Account
from domain.profile import Profile
from projections.read_model import Fact, ReadModel, Row

outbox = ReadModel(
    "outbox",
    version=1,
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


@outbox.folds(Account.AccountRequestedAgain)
def _(fact: Fact) -> Row:
    return _item(fact, "account-exists")


@outbox.folds(Account.PasswordChanged)
def _(fact: Fact) -> Row:
    return _item(fact, "password-changed")


@outbox.folds(Account.SecondFactorEnrolled)
def _(fact: Fact) -> Row:
    return _item(fact, "second-factor-added")


@outbox.folds(Account.SecondFactorRemoved)
def _(fact: Fact) -> Row:
    return _item(fact, "second-factor-removed")


@outbox.folds(Account.SecondFactorReset)
def _(fact: Fact) -> Row:
    return _item(fact, "second-factor-reset")


@outbox.folds(Account.RecoveryCodesIssued)
def _(fact: Fact) -> Row:
    return _item(fact, "recovery-codes-issued")


@outbox.folds(Profile.ProfileSubmitted, Profile.ProfileCorrected)
def _(fact: Fact) -> Row:
    return _item(fact, "match", recipient="system")


@outbox.folds(Profile.RecordLinked)
def _(fact: Fact) -> list[Row]:
    return [_item(fact, "link-confirmed"), _item(fact, "link-notice", recipient="record")]


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
