"""Typing errors in the domains that most people's addresses have: asked about, never refused."""

from typing import Final

# What people here write to each other with; a domain of this list is never doubted.
_LIST: Final = """
    aol.com be.ch bluemail.ch bluewin.ch edu.jura.ch free.fr gmail.com gmx.ch gmx.com gmx.de gmx.fr gmx.net
    googlemail.com hep-bejune.ch hispeed.ch hotmail.ch hotmail.com hotmail.de hotmail.fr icloud.com jura.ch
    laposte.net live.com live.fr mac.com mail.ch mail.com me.com msn.com ne.ch net2000.ch netplus.ch
    orange.fr outlook.com outlook.de outlook.fr pm.me proton.me protonmail.ch protonmail.com rpn.ch sfr.fr
    students.unibe.ch sunrise.ch swissonline.ch unibe.ch unifr.ch unine.ch wanadoo.fr web.de yahoo.com
    yahoo.de yahoo.fr ymail.com
"""
KNOWN: Final = frozenset(_LIST.split())
LONG: Final = 9  # letters; of so many, two may be wrong


def meant(email: str) -> str | None:
    """The address that was probably meant; None where the typed one may well be right."""
    local, at, domain = email.rpartition("@")
    domain = domain.lower()
    if not at or domain in KNOWN:
        return None
    near = min(KNOWN, key=lambda known: (distance(domain, known), known))
    return f"{local}@{near}" if distance(domain, near) <= (2 if len(near) >= LONG else 1) else None


def distance(one: str, other: str) -> int:
    """How many letters are missing, too many, wrong or swapped with the next (optimal string alignment)."""
    earlier: list[int] = []
    previous = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, wanted in enumerate(other, 1):
            least = min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (letter != wanted))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                least = min(least, earlier[column - 2] + 1)
            current.append(least)
        earlier, previous = previous, current
    return previous[-1]
