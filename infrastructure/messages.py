"""What the mails say: each message is written once, as blocks in `translations/<language>/messages.toml`.

Both parts are made from these blocks: the text, where each link stands on a line of its own and a password
alone between two empty lines, and the HTML (`templates/message.html`).

| kind             | goes to              | values                                           |
| ---------------- | -------------------- | ------------------------------------------------ |
| initial-password | the holder           | `email` `password` `sign_in_link` `hours`        |
| account-exists   | the holder           | `email`                                          |
| link-confirmed   | the holder           |                                                  |
| link-notice      | the record's address |                                                  |
| rejected         | the holder           | `reason`: a code of the list `reasons.reject`    |
| password-changed | the holder           | `changed_at`: an aware instant                   |

The first two are sent before the first sign-in: of what was typed, they hold the address and nothing else,
for a stranger may have typed it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.calendar import ZURICH
from infrastructure import translations

_TOPIC = "messages"
_FRAME = "frame"  # what all messages share; every other table of the catalogue is a kind

# French sets its colons and question marks off with a space, where no line may break.
_SET_OFF = re.compile(" (?=[:;?!])")

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Message:
    """What one person reads. sender: the institution's name, for the `From` header."""

    sender: str
    subject: str
    text: str
    html: str


def kinds() -> tuple[str, ...]:
    """Every kind of message there is, as `X-Matricule-Kind` names it."""
    catalogue = translations.table(translations.DEFAULT_LOCALE, _TOPIC)
    return tuple(kind for kind in catalogue if kind != _FRAME)


def render(
    kind: str,
    locale: str,
    *,
    values: Mapping[str, object],
    institution_name: str,
    public_url: str,
    contact: str = "",
) -> Message:
    """The message of this kind in this language.

    values: as the table above says; instants are shown in Swiss time. public_url: no slash at its end.
    contact: how to reach the institution, in a line, in the foot of every message.
    Raises KeyError for an unknown kind, or a value that is missing.
    """
    words = {name: _local(value) for name, value in values.items()} | {
        "institution": institution_name,
        "public_url": public_url,
        "contact": contact,
    }
    written = translations.table(locale, _TOPIC, kind)
    if "reasons" in written:
        words["reason"] = written["reasons"][words["reason"]]
    message = _filled(written, words)
    frame = _filled(translations.table(locale, _TOPIC, _FRAME), words | {"title": message["title"]})
    page = {
        **words,
        **message,
        "frame": frame,
        "locale": locale,
        "site": urlsplit(public_url).netloc,
    }
    return Message(
        sender=institution_name,
        subject=frame["subject"],
        text=_text(page),
        html=_templates.get_template("message.html").render(page),
    )


def _local(value: object) -> object:
    return value.astimezone(ZURICH) if isinstance(value, datetime) else value


def _filled(written: Any, words: Mapping[str, object]) -> Any:
    """A text, or everything in a table or list of them, with its placeholders filled in."""
    match written:
        case str():
            return _SET_OFF.sub("\u00a0", written).format(**words)
        case dict():
            return {name: _filled(part, words) for name, part in written.items()}
        case list():
            return [_filled(part, words) for part in written]
    raise TypeError(f"a message holds texts, lists and tables, not {type(written).__name__}")


def _text(page: Mapping[str, Any]) -> str:
    frame = page["frame"]
    foot = [frame["automatic"], frame["help"] if page["contact"] else "", page["public_url"]]
    paragraphs = [
        frame["greeting"],
        *map(_block_text, page["blocks"]),
        f"{frame['closing']}\n{page['institution']}",
        "\n".join(filter(None, foot)),
    ]
    return "\n\n".join(paragraphs) + "\n"


def _block_text(block: Mapping[str, Any]) -> str:
    match block:
        case {"link": address, "label": label}:
            return f"{label}\n{address}"
        case {"steps": steps}:
            return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))
        case {"paragraph": words} | {"note": words} | {"password": words}:
            return words
    raise KeyError(f"no such block: {' '.join(block)}")
