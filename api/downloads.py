"""Files for whoever may have them: as attachments that no browser runs, with a checksum, streamed."""

import base64
from pathlib import PurePosixPath
from typing import Final

from flask import Response, request
from werkzeug.utils import send_file

from api.context import service
from api.errors import Problem
from domain.portfolio import File
from infrastructure.documents import JPEG, PDF, PNG, TEXT, DocumentLost

# How names end, so that whatever opens the file takes it for what its bytes are.
ENDINGS: Final = {PDF: (".pdf",), PNG: (".png",), JPEG: (".jpg", ".jpeg"), TEXT: (".txt", ".csv", ".md")}
NAME_LIMIT: Final = 150  # characters; file systems hold 255 bytes
_LEFT_OUT: Final = frozenset('<>:"/\\|?*')  # some system makes something of them


def download(file: File) -> Response:
    """The file itself, or 304 where the client has it. Raises Problem `unavailable` where it is lost."""
    if request.if_none_match.contains_weak(file.sha256):
        response = Response(status=304)
        del response.headers["Content-Type"]
    else:
        response = _whole(file)
    response.set_etag(file.sha256)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _whole(file: File) -> Response:
    try:
        opened = service().documents.open(file)
    except DocumentLost:
        raise Problem("unavailable") from None
    response = send_file(
        opened,
        request.environ,
        mimetype=file.media_type,
        as_attachment=True,
        download_name=safe_name(file),
        conditional=False,
        etag=False,
        response_class=Response,
    )
    response.headers["Content-Type"] = file.media_type
    response.content_length = file.size
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode("ascii")
    response.headers["Repr-Digest"] = f"sha-256=:{digest}:"  # RFC 9530
    return response


def safe_name(file: File) -> str:
    """A name that can be kept anywhere, shows what it is and hides nothing."""
    kept = "".join(letter for letter in file.name if letter.isprintable() and letter not in _LEFT_OUT)
    name = PurePosixPath(" ".join(kept.split()).strip(". ") or "document")
    endings = ENDINGS.get(file.media_type, (name.suffix,))
    stem, ending = (name.stem, name.suffix) if name.suffix.lower() in endings else (name.name, endings[0])
    return stem[:NAME_LIMIT] + ending
