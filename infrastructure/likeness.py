"""How alike two texts are, as typing errors go."""

from rapidfuzz.distance import OSA


def likeness(one: str, other: str) -> float:
    """1 for the same text, less for each letter that is wrong, missing, too many, or out of its place by one."""
    return OSA.normalized_similarity(one, other)
