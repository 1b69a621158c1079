"""How often may be guessed: a password at the door, a password inside a session; and how often a public door is used.

A sign-in is counted against the address, existing or not, and against the network. From a device that this very account
knows it is counted against that device alone: whoever floods an address from wherever, even from its owner's own
network, makes strangers wait and never her.

What a success gives back is its own attempt, and no more. If it emptied the address's bucket, each sign-in of the owner
would hand fresh guesses to whoever attacks her; if it emptied the network's, an attacker would sign in to an account of
his own in between. Only a device or a session, which nobody else can fill, begins anew.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple
from uuid import UUID

from application.ports import Bucket, Clock, Devices, Throttle
from domain import errors, policies

WRONG = (errors.WrongCredentials, errors.WrongPassword)  # a guess was judged; what else is refused is none


class Caller(NamedTuple):
    """Where a request comes from. network: the client's IP address. device: the secret by which it may be known."""

    network: str
    device: str | None = None


class Limits(NamedTuple):
    """wrong_passwords: for one address, device or session, before one has to wait. The others: of one network."""

    wrong_passwords: int = policies.WRONG_PASSWORDS
    network_wrong_passwords: int = policies.NETWORK_WRONG_PASSWORDS
    public_requests: int = policies.PUBLIC_REQUESTS


@dataclass(frozen=True)
class Guesses:
    throttle: Throttle
    devices: Devices
    clock: Clock
    limits: Limits

    @contextmanager
    def at_sign_in(self, email: str, caller: Caller | None) -> Iterator[str | None]:
        """Count what is tried within. Gives the secret of the device, where the account knows it.

        email: as `domain.values.address_key` gives it. caller: None for whoever asks from within the house, who is not
        counted. Raises TooManyRequests.
        """
        if caller is None:
            yield None
            return
        known = caller.device if caller.device and self._knows(email, caller.device) else None
        if known:
            with self._counted(self._patience("device", known), begins_anew=True):
                yield known
        else:
            with self._counted(self._patience("address", email), self._network(caller)):
                yield None

    @contextmanager
    def in_session(self, account_id: UUID, session_id: UUID) -> Iterator[None]:
        """Count the password, or the code, that is tried within by whoever is signed in. Raises TooManyRequests."""
        with self._counted(self._patience("session", f"{account_id} {session_id}"), begins_anew=True):
            yield

    def at_public_door(self, door: str, caller: Caller | None) -> None:
        """Count one use of a door that is open to everybody. Raises TooManyRequests."""
        if caller is not None:
            size = self.limits.public_requests
            bucket = Bucket(f"door {door}", network_of(caller.network), size, policies.DOOR_WINDOW / size)
            self.throttle.take([bucket], self.clock.now())

    @contextmanager
    def _counted(self, *buckets: Bucket, begins_anew: bool = False) -> Iterator[None]:
        taken = self.throttle.take(buckets, self.clock.now())
        try:
            yield
        except WRONG:
            raise
        except errors.Refused:
            self.throttle.give_back(taken)
            raise
        if begins_anew:
            self.throttle.forgive(taken)
        else:
            self.throttle.give_back(taken)

    def _knows(self, email: str, device: str) -> bool:
        return self.devices.knows(email, device, self.clock.now())

    def _patience(self, kind: str, whose: str) -> Bucket:
        """Some attempts at once, then a wait that doubles with each."""
        return Bucket(kind, whose, self.limits.wrong_passwords, policies.LONGEST_WAIT, growing=True)

    def _network(self, caller: Caller) -> Bucket:
        size = self.limits.network_wrong_passwords
        return Bucket("network", network_of(caller.network), size, policies.NETWORK_WINDOW / size)


def network_of(address: str) -> str:
    """Who counts as one: an IPv4 address, or the /64 that one household or server has of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or f"{int(parsed) >> 64:x}/64")
    return address
