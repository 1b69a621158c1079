"""What counting an attempt to sign in takes before its hash: 10,000 addresses from 200 networks, some refused."""

import time

from figures import Figure, at_most, percentile
from servers import migrated_database
from write_side import WriteSide

from application.guesses import Caller
from domain import errors

ATTEMPTS = 10_000
NETWORKS = 200


def measure(server: str) -> list[Figure]:
    with migrated_database(server) as database, WriteSide(database) as here:
        seconds = [_counted(here, number) for number in range(ATTEMPTS)]
    return [
        Figure("throttle check, p50", 1000 * percentile(seconds, 0.5), "ms", at_most(1)),
        Figure("throttle check, p99", 1000 * percentile(seconds, 0.99), "ms", at_most(1)),
    ]


def _counted(here: WriteSide, number: int) -> float:
    """Seconds of an attempt that turns out to be wrong, or is refused."""
    caller = Caller(f"192.0.2.{number % NETWORKS}")
    begun = time.perf_counter()
    try:
        with here.guesses.at_sign_in(f"{number}@example.org", caller):
            raise errors.WrongCredentials
    except errors.Refused:
        return time.perf_counter() - begun
