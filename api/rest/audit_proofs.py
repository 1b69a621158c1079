"""The log as a tree: its checkpoints, its key, its tiles, and proofs. What is published is for everybody."""

import base64
import re
from typing import Any, Final

from flask import Response

from api import pagination
from api.answers import answer
from api.arguments import Blueprint
from api.context import service
from api.described import tells
from api.errors import Problem
from api.faults import Fault, InvalidInput
from api.identity import has_role, staff
from api.schemas import audit
from api.schemas.staff import Page
from infrastructure.proofs import NeverThatLarge, NotInTree
from projections.tree import WIDTH

AUDITOR: Final = "auditor"
TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
NEVER_CHANGES: Final = "public, max-age=31536000, immutable"
TILE: Final = re.compile(r"(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")

blueprint = Blueprint("audit-proofs", __name__, url_prefix="/api/v1/audit")


@blueprint.get("/checkpoint")
@blueprint.response(200, {"type": "string"}, content_type=TEXT, example=audit.CHECKPOINT)
@tells("no-checkpoint", "log-differs")
def show_checkpoint() -> Response:
    """What the log commits itself to, as a signed note of C2SP.

    Everybody gets the day's; auditors one that is signed now.
    """
    checkpoints = service().checkpoints
    signed = checkpoints.sign_now() if has_role(AUDITOR) else checkpoints.daily()
    if signed is None:
        raise Problem("no-checkpoint")
    return Response(signed.note, content_type=TEXT)


@blueprint.get("/checkpoints")
@staff(AUDITOR)
@blueprint.arguments(Page, location="query")
@blueprint.response(200, audit.CheckpointPage, example=audit.CHECKPOINT_PAGE)
@tells("bad-cursor")
def list_checkpoints(wanted: dict[str, Any]) -> Response:
    """All checkpoints that were signed, the smallest first."""
    limit = wanted["limit"]
    (after,) = pagination.opened(wanted.get("cursor"), "checkpoints", int) or (0,)
    found = service().checkpoints.page(after, limit + 1)
    items = [
        {"size": each.size, "signed_at": each.signed_at, "checkpoint": each.note} for each in found[:limit]
    ]
    following = pagination.page(found, limit, lambda each: (each.size,), "checkpoints")
    return answer({"items": items, "next_cursor": following})


@blueprint.get("/key")
@blueprint.response(200, {"type": "string"}, content_type=TEXT, example=audit.KEY)
def show_key() -> Response:
    """The key that verifies checkpoints, as C2SP's notes have it. Compare it with one that you got another way."""
    return Response(f"{service().checkpoints.verifier}\n", content_type=TEXT)


@blueprint.get("/tile/<path:tile>")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=BYTES, example="…")
@tells("not-found")
def show_tile(tile: str) -> Response:
    """A tile of the tree, as C2SP's `tlog-tiles` names it, like `0/x001/234` or `0/000.p/112`.

    Everybody gets hashes below the day's checkpoint; `entries`, and fresher ones, are for auditors.
    """
    written = TILE.fullmatch(tile)
    if not written:
        raise Problem("not-found")
    level, number, partial = written.groups()
    index, width = int(re.sub("[x/]", "", number)), int(partial or WIDTH)
    if width > WIDTH or not (_is_public(level, index, width) or has_role(AUDITOR)):
        raise Problem("not-found")
    try:
        if level == "entries":
            return Response(service().proofs.entries(index, width), content_type=BYTES)
        hashes = service().tree.tile(int(level), index, width)
    except (LookupError, OverflowError):
        raise Problem("not-found") from None
    return Response(hashes, content_type=BYTES, headers={"Cache-Control": NEVER_CHANGES})


@blueprint.get("/proofs/inclusion")
@staff(AUDITOR)
@blueprint.arguments(audit.InclusionQuery, location="query")
@blueprint.response(200, audit.Inclusion, example=audit.INCLUSION)
@tells("not-in-log", "log-differs")
def prove_inclusion(wanted: dict[str, Any]) -> Response:
    """That the event at `position` stands in the log of `size` events; by default of the last signed one."""
    try:
        found = service().proofs.inclusion(wanted["position"], wanted.get("size"))
    except NotInTree:
        raise Problem("not-in-log") from None
    except NeverThatLarge as now:
        raise _too_large("size", now) from None
    return answer(
        {
            "position": found.position,
            "leaf_index": found.leaf_index,
            "leaf_hash": _base64(found.leaf_hash),
            "size": found.size,
            "hashes": list(map(_base64, found.hashes)),
        }
    )


@blueprint.get("/proofs/consistency")
@staff(AUDITOR)
@blueprint.arguments(audit.ConsistencyQuery, location="query")
@blueprint.response(200, audit.Consistency, example=audit.CONSISTENCY)
def prove_consistency(wanted: dict[str, Any]) -> Response:
    """That the log of `first` events is the beginning of the log of `second`."""
    first, second = wanted["first"], wanted["second"]
    if first > second:
        raise InvalidInput({"first": [Fault("after-the-other", other="second")]})
    try:
        hashes = service().proofs.consistency(first, second)
    except NeverThatLarge as now:
        raise _too_large("second", now) from None
    return answer({"first": first, "second": second, "hashes": list(map(_base64, hashes))})


def _is_public(level: str, index: int, width: int) -> bool:
    daily = service().checkpoints.daily()
    if level == "entries" or daily is None:
        return False
    return (index * WIDTH + width) * WIDTH ** int(level) <= daily.size


def _too_large(field: str, now: NeverThatLarge) -> InvalidInput:
    return InvalidInput({field: [Fault("beyond-the-log", size=now.args[0])]})


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
