"""What the mails say: each message is written once, as blocks in `translations/<language>/messages.toml`.

Both parts are made from these blocks: the text, where each link stands on a line of its own and a password
alone between two empty lines, and the HTML (`templates/message.html`). How it is written stands at the head of the
French catalogue.

| kind                    | goes to              | values                                                       |
| ----------------------- | -------------------- | ------------------------------------------------------------ |
| initial-password | the holder | `email` `asked_at` `password` `sign_in_link` `hours` `opening` `unwanted`, whence |
| account-exists          | the holder           | `email` `asked_at`, whence                                   |
| link-confirmed          | the holder           | `at`                                                         |
| link-notice             | the record's address | `at`                                                         |
| question                | the holder           | `at`                                                         |
| rejected                | the holder           | `at` `reason`: a code of the list reasons.reject             |
| password-reset          | the holder           | `link` `minutes` `asked_at`, whence                          |
| password-changed        | the holder           | `changed_at` `how`: chosen or reset, whence                  |
| email-change-confirm    | the new address      | `new_email` `asked_at` `link` `hours`, whence                |
| email-change-taken      | the new address      | `email` `asked_at`, whence                                   |
| email-change-notice     | the present address  | `asked_at`, an objection, whence                             |
| email-change-cancelled  | the holder           | `at` `cause`: a code of the list cancellations, whence       |
| email-changed           | the new address      | `changed_at` `by_staff`, whence                              |
| email-changed-previous  | the previous address | `changed_at` `by_staff` `until`, an objection, whence        |
| email-change-taken-back | the restored address | `at`, whence                                                 |
| email-change-undone     | the one taken away   | `at`                                                         |
| recovery-proposed       | the present address  | `at` `new_email_masked`                                      |
| account-locked          | the holder           | `at` `reason`: a code of the list reasons.lock               |
| account-unlocked        | the holder           | `at`                                                         |
| account-closed          | the holder           | `at`, whence; `reopen_link` `until`, or none for both        |
| account-reopened        | the holder           | `at`, whence                                                 |
| account-merged          | the merged one's     | `at` `other_email_masked`                                    |
| other-account-merged    | the holder           | `at` `other_email_masked`                                    |
| accounts-separated      | each of the two      | `at` `other_email_masked`                                    |
| second-factor-added     | the holder           | `changed_at` `factor`: a code of the list factors, whence    |
| second-factor-removed   | the holder           | `changed_at` `factor`, whence                                |
| second-factor-reset     | the holder           | `changed_at`                                                 |
| recovery-codes-issued   | the holder           | `changed_at`, whence                                         |
| recovery-code-used      | the holder           | `at` `left`: how many are still good, whence                 |
| checkpoint              | an auditor           | `day` `origin` `size` `root` `signature`: lines of the note  |
| digest                  | a clerk              | `heading`: a code, a day's work                              |
| erased                  | the holder           | `at` `law` `until` `reason`: a code of reasons.erasure       |

whence: `device` and `place`, each a text of our own making or none; where staff sits is none, and the mailbox that was
taken away is told none. an objection: `new_email_masked` `object_link`. Names that end in `at` are aware instants,
shown in Swiss time; `until` is a day; `by_staff` is true or false; `opening` and `unwanted` are both requested or
invited. A value that a message does not name is no error.
a day's work: the counts `late` `today` `next` `open` `further` `undelivered` `parked`, none where they are 0; the days
`next_day` `oldest`; the page `console`; the lists late_cases and due_cases, with `due` `opened_on` `case_link` each.

What reaches a mailbox before its first sign-in, or before it is proved to be the holder's, holds of what was typed the
address and nothing else: a stranger may have typed it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain.calendar import ZURICH
from infrastructure import translations
from infrastructure.appearance import USUAL

_TOPIC = "messages"
_FRAME = "frame"  # what stands around every message
_SHARED = "shared"  # what several messages say; every other table of the catalogue is a kind

# French sets its colons and question marks off with a space, where no line may break.
_SET_OFF = re.compile(" (?=[:;?!])")
_PLACEHOLDER = re.compile(r"{(\w+)")
_CODES = {True: "yes", False: "no"}  # what a table calls a value that is no text

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
    return tuple(kind for kind in catalogue if kind not in (_FRAME, _SHARED))


def render(
    kind: str,
    locale: str,
    *,
    values: Mapping[str, object],
    institution_name: str,
    public_url: str,
    contact: str = "",
    colours: Mapping[str, str] = USUAL,
) -> Message:
    """The message of this kind in this language.

    values: as the table above says; instants are shown in Swiss time. public_url: no slash at its end.
    contact: how to reach the institution, in a line, in the foot of every message.
    colours: of links and buttons, `light` and `dark`, as `appearance` has judged them.
    Raises KeyError for an unknown kind, a value that is missing, or a code that has no words.
    """
    words = {name: _local(value) for name, value in values.items()} | {
        "institution": institution_name,
        "public_url": public_url,
        "contact": contact,
    }
    shared = translations.table(locale, _TOPIC, _SHARED)
    written = translations.table(locale, _TOPIC, kind)
    words |= _codes_in_words(shared | written, words)
    message = {
        "title": _filled(written["title"], words),
        "blocks": list(_blocks(written["blocks"], shared["blocks"], words)),
    }
    frame = _filled(translations.table(locale, _TOPIC, _FRAME), words | {"title": message["title"]})
    page = {
        **words,
        **message,
        "frame": frame,
        "colours": colours,
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


def _blocks(
    written: Sequence[Any], shared: Mapping[str, Any], words: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """A block that is a name is a shared one; one with `each` stands once for each item of that value."""
    for block in written:
        block = dict(shared[block] if isinstance(block, str) else block)
        items = words[block.pop("each")] if "each" in block else [{}]
        for item in items:
            filled = _filled(block, {**words, **item})
            if filled is not None:
                yield filled


def _codes_in_words(written: Mapping[str, Any], words: Mapping[str, object]) -> dict[str, Any]:
    """For each value whose name is a table's, what that table says for its code."""
    return {
        name: _filled(choices[_CODES.get(words[name], words[name])], words)
        for name, choices in written.items()
        if isinstance(choices, dict) and name in words
    }


def _filled(written: Any, words: Mapping[str, object]) -> Any:
    """A text, or everything in a table or list of them, with its placeholders filled in.

    None for a text that names a value which is none, and for a table that holds such a text or an empty list; lists
    leave both out.
    """
    match written:
        case str():
            if any(words[name] is None for name in _PLACEHOLDER.findall(written)):
                return None
            return _SET_OFF.sub("\u00a0", written).format(**words)
        case dict():
            parts = {name: _filled(part, words) for name, part in written.items()}
            return None if any(part in (None, []) for part in parts.values()) else parts
        case list():
            return [part for part in (_filled(part, words) for part in written) if part is not None]
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
        case {"link": address, "label": label} | {"entry": address, "label": label}:
            return f"{label}\n{address}"
        case {"steps": steps}:
            return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))
        case {"lines": lines}:
            return "\n".join(lines)
        case {"paragraph": words} | {"note": words} | {"password": words}:
            return words
    raise KeyError(f"no such block: {' '.join(block)}")
