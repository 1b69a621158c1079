"""What the next page tells of what was just done, and the secrets that it shows: in a sealed cookie of this session."""

from datetime import timedelta
from typing import Any, Final

from api.identity import me
from api.web import cookies
from api.web.seals import seals

DONE: Final = "matricule_done"
DONE_KEPT: Final = timedelta(minutes=1)


def done(what: str) -> None:
    """what: the name of its words, for the next page that tells it."""
    cookies.note(DONE, what, DONE_KEPT)


def what_was_done(known: tuple[str, ...]) -> str | None:
    """Told once: a reload does not say it again."""
    what = cookies.read(DONE)
    if what not in known:
        return None
    cookies.forget(DONE)
    return what


def keep(name: str, content: Any, lifetime: timedelta) -> None:
    """For pages of this session alone, until one forgets it."""
    sealed = seals().seal(name, {"session": str(me().session_id), "content": content})
    cookies.note(name, sealed, lifetime)


def kept(name: str) -> Any:
    """None where nothing was kept, or in another session."""
    found = seals().open(name, cookies.read(name))
    return found["content"] if found and found["session"] == str(me().session_id) else None


def forget(name: str) -> None:
    cookies.forget(name)
