"""Limits that hold everywhere, each with its source. What an institution may set stands in the settings."""

from datetime import timedelta

INITIAL_PASSWORDS_A_REQUEST = 3  # a retry issues a new one, so that no message that arrives is a dead one
MAILS_A_DOOR = 5  # mails that strangers can cause to one address …
DOOR_WINDOW = timedelta(hours=1)  # … in this time
TAKE_BACK = timedelta(days=7)  # in which the former mailbox undoes a change of address
RECOVERY_PROPOSAL = (
    TAKE_BACK  # in which a second clerk approves a recovery: what the first one checked grows old
)
CLOSURE_GRACE = timedelta(days=30)  # in which whoever closed an account may come back
WRONG_PASSWORDS = 5  # for one address, before one has to wait 1 s, 2 s, 4 s … (docs/sources.md#S10)
LONGEST_WAIT = timedelta(minutes=15)  # … up to this; in as much time one of them is forgotten
NETWORK_WRONG_PASSWORDS = 30  # from one network, for whatever addresses …
NETWORK_WINDOW = timedelta(minutes=5)  # … in this time
PUBLIC_REQUESTS = 600  # from one network at one public door, in `DOOR_WINDOW`
PASSWORD_MIN_LENGTH = 15  # code points after NFC; NIST SP 800-63B-4, 3.1.1.2: a password as the only factor
PASSWORD_MIN_BESIDE_FACTOR = 8  # code points; the same source: a password beside a second factor
PASSWORD_MAX_LENGTH = 128  # code points; the same source asks for at least 64
SECOND_FACTORS = 10  # of one account
RECOVERY_CODES = 10  # issued at once
TEXT_LIMIT = 200  # characters of a name, a street …
NOTE_LIMIT = 2000  # characters of a note or a text to the holder
EMAIL_LIMIT = 254  # octets; RFC 5321, 4.5.3.1.3, less the angle brackets
ROLES = ("secretariat", "auditor", "data-protection", "operator")
ACCOUNTS_NAMED = 1000  # in the fact of one read; how many entries were shown, it says besides
READS = (  # what is shown to staff, auditors and at the command line, as the facts about it call it
    "accounts",
    "account-search",
    "account",
    "timeline",
    "messages",
    "cases",
    "case",
    "as-of",
    "diff",
    "events",
    "export",
    "bundle",
    "reconcile",
    "accesses",
    "erasure",
)
READ_FILTERS = (  # whose values are codes, ids, numbers and instants: never what is typed into a search
    "account",
    "actor",
    "as_of",
    "at_position",
    "canton",
    "created_from",
    "created_to",
    "first",
    "format",
    "from",
    "kind",
    "late",
    "link",
    "locale",
    "position",
    "reader",
    "second",
    "size",
    "state",
    "to",
    "type",
)
