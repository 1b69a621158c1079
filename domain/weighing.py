"""How much the agreement of a field says, in bits, and how probable it makes that a record is the person's.

Fellegi and Sunter: the weight of a verdict is log2(m/u), m its share among pairs of the same person, u among pairs of
strangers; the score of a pair is their sum. That two people are called Favre says less than that they are called
L'Eplattenier: of equal names u is the share of that very name in the register.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from math import exp2, log2
from typing import Final

from domain.comparing import Verdicts, family_names, shared_forms
from domain.persons import Declared, Record

PRIOR_PEOPLE: Final = 1_000  # how many people of the register the model's own u is worth

NAMES: Final = ("family_name", "given_name")


@dataclass(frozen=True)
class Census:
    """How many people the register holds, and how many of them bear a name; by field, by form of the name."""

    people: int = 0
    bearers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def share(self, name: str, forms: Iterable[str], usual: float) -> float:
        """Of the most frequent of these forms. usual: of any name, as far as the register says nothing."""
        counts = self.bearers.get(name, {})
        count = max((counts.get(form, 0) for form in forms), default=0)
        return min((count + usual * PRIOR_PEOPLE) / (self.people + PRIOR_PEOPLE), 1.0)


@dataclass(frozen=True, kw_only=True)
class Model:
    """The parameters, made by training (domain/training.py).

    levels: field → verdict → (m, u). coverage: how many of those who ask are in the register. slope, offset: from
    the score to the probability. threshold: the least probability of what is linked at once. margin: by how many
    bits it must be ahead of the next.
    """

    version: str
    trained_on: date
    trained_with: str
    levels: Mapping[str, Mapping[str, tuple[float, float]]]
    coverage: float
    slope: float
    offset: float
    threshold: float
    margin: float

    @cached_property
    def weights(self) -> dict[str, dict[str, float]]:
        return {
            name: {verdict: log2(m / u) for verdict, (m, u) in levels.items()}
            for name, levels in self.levels.items()
        }

    def weigh(
        self, verdicts: Verdicts, declared: Declared, record: Record, census: Census
    ) -> dict[str, float]:
        """Bits for (above 0) and against, by field; what is missing says nothing."""
        weighed = {name: self.weights.get(name, {}).get(verdict, 0.0) for name, verdict in verdicts.items()}
        for name in NAMES:
            if verdicts.get(name) == "equal" and name in self.levels:
                m, usual = self.levels[name]["equal"]
                shared = shared_forms(_names(name, declared), _names(name, record))
                weighed[name] = max(log2(m / census.share(name, shared, usual)), 0.0)
        return weighed

    def prior(self, people: int) -> float:
        """Bits against any one record before anything is compared: one of so many people, if any."""
        return log2(self.coverage / max(people, 1))

    def probability(self, score: float, people: int) -> float:
        """Of the record being the person's, in a register of so many people."""
        bits = self.slope * (score + self.prior(people)) + self.offset
        return 1 / (1 + exp2(-max(min(bits, 500.0), -500.0)))


def _names(name: str, person: Declared | Record) -> tuple[str | None, ...]:
    return family_names(person) if name == "family_name" else (person.given_name,)
