"""One box for whoever looks for an account: a name, an address, a record number, or an AHV number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.search_keys import search_form
from domain.values import InvalidValue, parse_ahv
from infrastructure.lookup import DigestLookup
from projections.directory import Directory, Entry
from projections.finder import Finder, Place

READ_MODELS: Final = ("finder", "directory")  # what a search reads


@dataclass(frozen=True)
class Search:
    lookup: DigestLookup
    finder: Finder
    directory: Directory

    def page(
        self, typed: str, wanted: Mapping[str, Any], *, after: Place | None, limit: int
    ) -> tuple[Sequence[Entry], Place | None]:
        """Accounts, and after what the next page begins; None at the end.

        typed: the beginning of a name, in whatever order, case and accents, of an address or a record number; or a
        whole AHV number, which is looked for by its digest. wanted: the filters of the directory. Raises
        projections.finder.Moved.
        """
        number = _ahv_number(typed)
        if number:
            return self._with_number(number, wanted), None
        beginning = search_form(typed)
        if not beginning:
            return [], None
        places = self.finder.page(beginning, wanted, after=after, limit=limit + 1)
        entries = self.directory.many(place.account_id for place in places[:limit])
        shown = [entries[place.account_id] for place in places[:limit] if place.account_id in entries]
        return shown, places[limit - 1] if len(places) > limit else None

    def _with_number(self, number: str, wanted: Mapping[str, Any]) -> list[Entry]:
        """Few: the number says who it is, and hardly anybody declares another's."""
        found = self.directory.many(self.lookup.find("ahv", number))
        return sorted(
            (entry for entry in found.values() if entry.fits(wanted)),
            key=lambda entry: (entry.created_at, entry.account_id),
            reverse=True,
        )


def _ahv_number(typed: str) -> str | None:
    try:
        return parse_ahv(typed)
    except InvalidValue:
        return None
