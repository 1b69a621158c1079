"""The matcher's parameters from examples: shares are counted, and the probability is fitted to how often it was right.

Nothing in it is random: the same examples make the same parameters.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import exp, log, log1p
from typing import Final

from domain.comparing import FIELDS, LEVELS, Verdicts

Levels = Mapping[str, Mapping[str, tuple[float, float]]]

HALF: Final = 0.5  # of a pair, that each verdict is worth unseen, so that nothing is impossible
ROUNDS: Final = 50
PRECISE: Final = 1e-6
LARGEST: Final = 500.0  # exponent: beyond it a probability is 0 or 1
PULL: Final = (
    1.0  # towards a score that is taken at its word: examples that are too clear would make it boundless
)


def count_levels(same: Iterable[Verdicts], strangers: Iterable[Verdicts]) -> Levels:
    """m and u of each verdict of each field; what is missing on either side is not counted.

    same: pairs of one person. strangers: pairs of any two. A verdict never says more than a better one: where few
    examples would have it so, the two are counted as one.
    """
    of_same, of_strangers = _counted(same), _counted(strangers)
    return {
        field: _in_order(
            {
                level: (_share(of_same[field], level), _share(of_strangers[field], level))
                for level in LEVELS
                if of_same[field][level] or of_strangers[field][level]
            }
        )
        for field in FIELDS
    }


def fit(bits: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """Slope and offset of the probability: logistic regression by Newton's method, pulled towards (1, 0).

    bits: the scores of pairs, with the prior. right: which of them were one person.
    """
    examples = [(score * log(2), is_right) for score, is_right in zip(bits, right, strict=True)]
    slope, offset = 1.0, 0.0
    loss = _loss(examples, slope, offset)
    for _ in range(ROUNDS):
        along, across = _step(examples, slope, offset)
        # Halved until it leads down: where examples are clear, a whole step goes far beyond.
        while max(abs(along), abs(across)) > PRECISE:
            tried = _loss(examples, slope - along, offset - across)
            if tried < loss:
                break
            along, across = along / 2, across / 2
        else:
            break
        slope, offset, loss = slope - along, offset - across, tried
    return max(slope, PRECISE), offset / log(2)


Examples = Sequence[tuple[float, bool]]


def _step(examples: Examples, slope: float, offset: float) -> tuple[float, float]:
    down, across = PULL * (slope - 1), PULL * offset
    ss, so, oo = PULL, 0.0, PULL
    for score, is_right in examples:
        p = _logistic(slope * score + offset)
        error, spread = p - is_right, p * (1 - p)
        down += error * score
        across += error
        ss += spread * score * score
        so += spread * score
        oo += spread
    determinant = ss * oo - so * so
    return (oo * down - so * across) / determinant, (ss * across - so * down) / determinant


def _loss(examples: Examples, slope: float, offset: float) -> float:
    wrong = sum(
        log1p(exp(min(-z if is_right else z, LARGEST)))
        for z, is_right in ((slope * score + offset, is_right) for score, is_right in examples)
    )
    return wrong + PULL * ((slope - 1) ** 2 + offset**2) / 2


def _logistic(z: float) -> float:
    return 1 / (1 + exp(-max(min(z, LARGEST), -LARGEST)))


def _counted(pairs: Iterable[Verdicts]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {field: Counter() for field in FIELDS}
    for verdicts in pairs:
        for field, verdict in verdicts.items():
            if verdict != "missing":
                counts[field][verdict] += 1
    return counts


def _in_order(shares: Mapping[str, tuple[float, float]]) -> Mapping[str, tuple[float, float]]:
    """The better verdict first; neighbours are pooled until m/u falls."""
    pools: list[tuple[list[str], float, float]] = []
    for level, (m, u) in shares.items():
        pools.append(([level], m, u))
        while len(pools) > 1 and pools[-1][1] * pools[-2][2] > pools[-2][1] * pools[-1][2]:
            worse, better = pools.pop(), pools.pop()
            pools.append((better[0] + worse[0], better[1] + worse[1], better[2] + worse[2]))
    return {level: (min(m, 1.0), min(u, 1.0)) for levels, m, u in pools for level in levels}


def _share(counts: Counter[str], level: str) -> float:
    return (counts[level] + HALF) / (counts.total() + HALF * len(LEVELS))
