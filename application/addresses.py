"""Who is found by an address, and who may have it: what a change of address does to the lookup."""

from uuid import UUID

from application.ports import Effect, Lookup
from domain.account import Account
from domain.values import address_key


def is_anothers(lookup: Lookup, email: str, account_id: UUID) -> bool:
    """Whether somebody else has it, or may take it back."""
    return any(holder != account_id for holder in lookup.holders("email", address_key(email)))


def moved(lookup: Lookup, account: Account, previous: str, email: str) -> list[Effect]:
    """After a change: found by the new one alone, while nobody else can have the former."""
    if address_key(previous) == address_key(email):
        return []
    return [
        lookup.claim("email", address_key(email), account.id),
        lookup.reserve("email", address_key(previous), account.id, account.take_backs[-1].until),
    ]


def taken_back(lookup: Lookup, account: Account) -> list[Effect]:
    """After a change was taken back: found by the restored one alone, and earlier ones are reserved as before."""
    effects = [
        lookup.release("email", account.id),
        lookup.claim("email", address_key(account.email), account.id),
    ]
    for earlier in account.take_backs:
        key = address_key(earlier.email)
        effects += [
            lookup.claim("email", key, account.id),
            lookup.reserve("email", key, account.id, earlier.until),
        ]
    return effects
