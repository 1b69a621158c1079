"""One lifelike example of every answer about the past."""

from typing import Final

from api.schemas.examples import ACCOUNT_ID, CASE_ID, LINK, MASKED_PROFILE, OWN_ACCOUNT, Json

CLERK_ID: Final = "c0a8f5d2-11de-4b6f-8f63-0a9d8c1e7b42"
PAST_STATE: Final[Json] = {
    "position": 4120576,
    "as_of": "2026-03-03T22:59:59.999999Z",
    "account": {**OWN_ACCOUNT, "link_state": "linked"},
    "profile": MASKED_PROFILE,
    "link": LINK,
    "case": {"id": CASE_ID, "state": "linked", "due": "2025-09-04"},
    "pending": [{"kind": "email-change", "since": "2026-03-03T07:12:44.120431Z"}],
    "last_event": {
        "position": 4120576,
        "type": "account.email-change-requested",
        "recorded_at": "2026-03-03T07:12:44.131177Z",
    },
    "erased": [],
}
PAST_CHANGES: Final[Json] = {
    "changes": [
        {
            "field": "record_number",
            "old": None,
            "new": "R-104233",
            "position": 4120576,
            "type": "profile.record-linked",
            "actor": CLERK_ID,
            "by": "Marc Voirol",
            "at": "2025-09-01T08:21:09.330121Z",
        }
    ],
    "erased": [],
}
EVENT: Final[Json] = {
    "position": 4120576,
    "leaf_index": 812,
    "type": "profile.record-linked",
    "name": "Liaison",
    "account": ACCOUNT_ID,
    "actor": CLERK_ID,
    "recorded_at": "2025-09-01T08:21:09.330121Z",
    "stream": "e4a0c2b7-6b0e-4f3a-9a55-2d1f6c8b7e90",
    "version": 3,
    "data": {
        "timestamp": "2025-09-01T08:21:09.318444Z",
        "account_id": ACCOUNT_ID,
        "case_id": CASE_ID,
        "reason": "identity-checked",
        "record_number": "R-104233",
        "note": None,
    },
    "erased": [],
    "broken": [],
}
EVENTS: Final[Json] = {"items": [EVENT], "next_cursor": None}
CHECKPOINT: Final = (
    "account.school.example/log\n812\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— account.school.example/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp…\n"
)
EXPORT: Final[Json] = {
    "id": "7d0f1b1c-2c55-4c8f-8a5e-9b6a3e1f0c77",
    "state": "done",
    "format": "csv",
    "by": CLERK_ID,
    "filter": {"type": "profile.record-linked", "from": "2025-08-31T22:00:00.000000Z"},
    "count": 1,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "first_position": 4120576,
    "last_position": 4120576,
    "size": 813,
    "checkpoint": CHECKPOINT,
    "started_at": "2026-03-03T08:00:00.120431Z",
    "finished_at": "2026-03-03T08:00:00.420117Z",
    "manifest": '{"by":"…","checkpoint":"…"}\n\n— account.school.example/log Az3grl…\n',
}
