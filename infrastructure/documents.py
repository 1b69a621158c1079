"""The bytes of documents: taken once from a folder of the institution, then kept in our own, under their SHA-256.

What happens to the institution's folder afterwards changes nothing here. A file is there whole or not at all, it
never changes, and two that are the same are one.
"""

import codecs
import errno
import hashlib
import logging
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PureWindowsPath
from typing import BinaryIO, Final
from uuid import uuid4

from domain.portfolio import File
from domain.values import InvalidValue

log = logging.getLogger(__name__)

CHUNK: Final = 256 * 1024
MEGABYTE: Final = 1_000_000
PDF, PNG, JPEG, TEXT, BYTES = MEDIA_TYPES = (
    "application/pdf",
    "image/png",
    "image/jpeg",
    "text/plain; charset=utf-8",
    "application/octet-stream",
)
_BEGINNINGS: Final = {b"%PDF-": PDF, b"\x89PNG\r\n\x1a\n": PNG, b"\xff\xd8\xff": JPEG}
_NO_TEXT: Final = re.compile(r"[\0-\x08\x0e-\x1f\x7f]")
_REASONS: Final = {
    errno.ENOENT: "file-missing",
    errno.ENOTDIR: "file-missing",
    errno.ENAMETOOLONG: "file-missing",
    errno.ELOOP: "file-link",
}


class DocumentLost(Exception):
    """The database knows a file that the folder does not hold, or not whole."""


class Documents:
    """Bytes by their SHA-256, in a folder of our own that nobody else reads."""

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def take(self, source: Path, path: str, sha256: str, *, dry_run: bool = False) -> File:
        """Copy a file of the folder `source`, if it is the one with this hash. Raises InvalidValue, OSError.

        path: inside the folder, as somebody wrote it. dry_run: judge it only.
        """
        parts = _parts(path)
        kind = _Kind()
        with _opened(source, parts) as file, self._copy(sha256, file, wanted=not dry_run) as copy:
            for chunk in _chunks(file):
                kind.look_at(chunk)
                if kind.size > self._most_bytes:
                    raise InvalidValue("file-too-large", max=self._most_bytes // MEGABYTE)
                copy.write(chunk)
            if kind.sha256 != sha256:
                raise InvalidValue("file-differs")
        return File(parts[-1], kind.media_type, kind.size, sha256)

    def open(self, file: File) -> BinaryIO:
        """Raises DocumentLost."""
        try:
            opened = self._place(file.sha256).open("rb")
        except OSError as fault:
            log.error("a document cannot be read", extra={"code": errno.errorcode.get(fault.errno)})
            raise DocumentLost from None
        if os.fstat(opened.fileno()).st_size != file.size:
            opened.close()
            log.error("a document is not whole")
            raise DocumentLost
        return opened

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    @contextmanager
    def _copy(self, sha256: str, original: BinaryIO, *, wanted: bool) -> Iterator[BinaryIO]:
        """Where to write what shall be kept; it has its name when the block ends well, and is gone when it does not."""
        place = self._place(sha256)
        if not wanted or _size(place) == os.fstat(original.fileno()).st_size:
            with open(os.devnull, "wb") as nothing:
                yield nothing
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        part = place.with_name(f".{uuid4().hex}")
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
                yield copy
                copy.flush()
                os.fsync(copy.fileno())
            part.replace(place)
            _sync(place.parent)
        except BaseException:
            with suppress(FileNotFoundError):
                part.unlink()
            raise


class _Kind:
    """What a file is, found out while it is read: by its bytes, never by its name."""

    def __init__(self) -> None:
        self.size = 0
        self._hash = hashlib.sha256()
        self._beginning = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_text = True

    def look_at(self, chunk: bytes) -> None:
        """The last one is empty."""
        self.size += len(chunk)
        self._hash.update(chunk)
        self._beginning = self._beginning or chunk[:16]
        if self._is_text:
            try:
                self._is_text = not _NO_TEXT.search(self._decoder.decode(chunk, final=not chunk))
            except UnicodeDecodeError:
                self._is_text = False

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    @property
    def media_type(self) -> str:
        for beginning, media_type in _BEGINNINGS.items():
            if self._beginning.startswith(beginning):
                return media_type
        return TEXT if self._is_text and self.size else BYTES


def _parts(path: str) -> tuple[str, ...]:
    """Folders and name. Raises InvalidValue for a path that leads out of the folder it is in."""
    written = PureWindowsPath(path)  # which knows both slashes, and drives
    if written.anchor or not written.parts or ".." in written.parts or "\0" in path:
        raise InvalidValue("file-outside")
    return written.parts


@contextmanager
def _opened(folder: Path, parts: tuple[str, ...]) -> Iterator[BinaryIO]:
    """Step by step, so that no link on the way is followed, whoever puts one there meanwhile. Raises InvalidValue."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in parts[:-1]:
            inside = _step(here, name, os.O_DIRECTORY)
            os.close(here)
            here = inside
        file = _step(here, parts[-1], os.O_NONBLOCK)  # a pipe would keep us waiting
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise InvalidValue("file-no-file")
    with open(file, "rb") as opened:
        yield opened


def _step(folder: int, name: str, flags: int) -> int:
    # Some systems write accents apart, and the file of lines was read with them composed.
    for written in (name, unicodedata.normalize("NFD", name)):
        try:
            if stat.S_ISLNK(os.stat(written, dir_fd=folder, follow_symlinks=False).st_mode):
                raise InvalidValue("file-link")
            return os.open(written, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=folder)
        except FileNotFoundError:
            continue
        except OSError as fault:
            raise InvalidValue(_REASONS.get(fault.errno, "file-unreadable")) from None
    raise InvalidValue("file-missing")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """To the end, which is an empty one. Raises InvalidValue."""
    while True:
        try:
            chunk = file.read(CHUNK)
        except OSError:
            raise InvalidValue("file-unreadable") from None
        yield chunk
        if not chunk:
            return


def _size(place: Path) -> int | None:
    try:
        return place.stat().st_size
    except FileNotFoundError:
        return None


def _sync(folder: Path) -> None:
    """A new name in it is on disk."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
