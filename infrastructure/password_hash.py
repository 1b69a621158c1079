"""How a password becomes a hash: HMAC under a key derived from the master key (the pepper), then argon2id.

So a stolen database alone does not tell whether a guess is right: that takes the master key too.
"""

import hmac
import os
from base64 import b64decode
from typing import Final, NamedTuple

from argon2 import Type, extract_parameters
from argon2.low_level import hash_secret

from infrastructure.keys import Keyring

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32


class Costs(NamedTuple):
    time: int
    memory_kib: int
    lanes: int


# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 iterations, 1 lane (docs/sources.md#S9).
COSTS: Final = Costs(time=2, memory_kib=19_456, lanes=1)


class Recipe(NamedTuple):
    """What a hash was made with, but for the password. pepper: the master key's generation; None: made without."""

    salt: bytes
    costs: Costs
    pepper: int | None

    @classmethod
    def of(cls, hashed: str, pepper: int | None) -> "Recipe":
        """hashed: in the PHC string format, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`."""
        used, salt = extract_parameters(hashed), hashed.split("$")[4]
        costs = Costs(used.time_cost, used.memory_cost, used.parallelism)
        return cls(b64decode(salt + "=" * (-len(salt) % 4)), costs, pepper)


class Hasher:
    """Passwords → hashes. One run of argon2id takes about 37 ms; whoever wants several goes through `HashQueue`."""

    def __init__(self, keyring: Keyring, costs: Costs = COSTS) -> None:
        self._peppers = {key.generation: key.derive("pepper") for key in keyring}
        self._newest = keyring.current.generation
        self._costs = costs

    def fresh(self) -> Recipe:
        return Recipe(os.urandom(SALT_BYTES), self._costs, self._newest)

    def is_of_today(self, recipe: Recipe) -> bool:
        return (recipe.costs, recipe.pepper) == (self._costs, self._newest)

    def hash(self, password: str, recipe: Recipe) -> str:
        """One run in any case. With a pepper that the keyring no longer has it is in vain, and nothing will match."""
        secret = password.encode("utf-8", "surrogatepass")
        if recipe.pepper is not None:
            pepper = self._peppers.get(recipe.pepper, self._peppers[self._newest])
            secret = hmac.digest(pepper, secret, "sha256")
        return hash_secret(secret, recipe.salt, *recipe.costs, HASH_BYTES, Type.ID).decode("ascii")
