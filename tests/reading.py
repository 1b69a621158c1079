"""Messages as their readers meet them."""

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

from infrastructure.messages import Message, render
from infrastructure.translations import table

INSTITUTION = "HEP-BEJUNE"
PUBLIC_URL = "https://ma.hep-bejune.example"
CONTACT = "032 886 99 31"
LINKS = ("sign_in_link", "link", "object_link", "reopen_link")
# Whatever any message names; the reasons of a refusal are no reasons of a lock.
VALUES = {
    "email": "o'hara&<ada>@school.example",
    "new_email": "ada&<byron>@school.example",
    "new_email_masked": "a•••@school.example",
    "other_email_masked": "o•••@school.example",
    "password": "kfTm-4wXd-9pHs-qyzr",
    **dict.fromkeys(LINKS, f"{PUBLIC_URL}/?token=Zk3mQ9vT2xY7wL5pN8rB1cD4"),
    "hours": 72,
    **dict.fromkeys(("opening", "unwanted"), "requested"),
    "minutes": 60,
    **dict.fromkeys(("at", "asked_at", "changed_at"), datetime(2025, 11, 24, 23, 5, tzinfo=UTC)),
    "until": date(2025, 12, 2),
    "device": "Firefox · Windows",
    "place": "192.0.2.7",
    "by_staff": False,
    "how": "chosen",
    "cause": "objection",
    "factor": "totp",
    "left": 9,
    "day": date(2025, 12, 2),
    "origin": "account.school.example/log",
    "size": "4096",
    "root": "7MnYbbjOqQ4VVlVFkMyn9Lf0ZyNYXXdTgFrIVUDTUmI=",
    "signature": "— account.school.example/log 9fGpxZ5zVb6p2fgHSpO5pBzL0Ap0",
    "law": "CPDT-JUNE, art. 35",
}
CASE = {
    "due": date(2025, 12, 2),
    "opened_on": date(2025, 11, 27),
    "case_link": f"{PUBLIC_URL}/console/cases/1",
}
DIGEST = {
    "heading": "late-and-today",
    **dict.fromkeys(("late", "today", "next", "open", "further", "undelivered", "parked"), 3),
    "next_day": date(2025, 12, 3),
    "oldest": date(2025, 11, 20),
    "late_cases": [CASE, CASE],
    "due_cases": [CASE],
    "console": f"{PUBLIC_URL}/console",
}
REASONS = {"rejected": "no-record", "account-locked": "suspected-misuse", "erased": "purpose-ended"}


def message(kind: str, locale: str = "fr", **values: object) -> Message:
    return render(
        kind,
        locale,
        values=VALUES | DIGEST | {"reason": REASONS.get(kind)} | values,
        institution_name=INSTITUTION,
        public_url=PUBLIC_URL,
        contact=CONTACT,
    )


def with_token(kind: str, locale: str, token: str) -> Message:
    return message(kind, locale, **dict.fromkeys(LINKS, f"{PUBLIC_URL}/?token={token}"))


def named_in(kind: str, locale: str) -> set[str]:
    """The values that a message needs, for its own blocks and for those that it shares."""
    shared, written = (table(locale, "messages", name) for name in ("shared", kind))
    blocks = [shared["blocks"][block] if isinstance(block, str) else block for block in written["blocks"]]
    own = {name: part for name, part in written.items() if name != "blocks"}
    return set(re.findall(r"\{(\w+)", str([own, blocks]))) - {"institution", "public_url"}


def paragraphs(made: Message) -> list[str]:
    return made.text.rstrip("\n").split("\n\n")


def lines_with_links(text: str) -> list[str]:
    return [line for line in text.split("\n") if "://" in line]


class Page(HTMLParser):
    """The HTML part as a reader meets it: its words, its links, everything it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.language: str | None = None
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "html":
            self.language = given["lang"]
        if tag == "a":
            self.links.append(given["href"])
        self.fetched += [value for name, value in attrs if name in ("src", "srcset", "background", "data")]

    def handle_data(self, data):
        self.words += data
