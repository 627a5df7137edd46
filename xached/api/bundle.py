"""The files that browsers get: the web client as it was built, and the page about REST.

The client is a product of a build (``clients/web``) and lies in ``xached/web``. Where it was left
out, every screen says so. Files whose name has a digest in it are kept by browsers for ever; of the
others they ask each time whether they are still the same.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

import attrs

from xached.api.http_message import HttpResponse

SCREENS: Final = frozenset(
    {
        "trade",
        "portfolio",
        "strategies",
        "analytics",
        "wallets",
        "security",
        "account",
        "staff",
        "sign-in",
        "sign-up",
        "recover",
        "stop",
    }
)
"""First parts of the addresses of screens: all of them are the same document."""

ADMIN_SCREEN: Final = "admin"
"""The same of the administrators' screens, which only their own port serves."""

ADMIN_FILES: Final = "/admin-assets/"
"""Where the build puts what only those screens need."""

DOCUMENT: Final = "/"
"""The one document."""
_INDEX: Final = "index.html"
ADMIN_MARK: Final = b'<meta name="xache-admin" content="here" />'
"""In the document of the administrators' port."""
DEMO_MARK: Final = b'<meta name="xache-demo" content="guest" />'
"""In the document where the page may let its reader in (guest.py)."""

_TYPES: Final[Mapping[str, str]] = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
_PAGE_FILES: Final = {
    "/docs": "docs.html",
    "/page/docs.css": "docs.css",
    "/page/docs.js": "docs.js",
    "/page/icon.svg": "icon.svg",
}
_NOT_BUILT: Final = "not_built.html"
_KEPT: Final = "public, max-age=31536000, immutable"
_ASKED: Final = "no-cache"
_SMALL: Final = 1024
_NAMED_BY_DIGEST: Final = ("/assets/", ADMIN_FILES)


@attrs.frozen
class File:
    """A file as browsers get it."""

    body: bytes
    packed: bytes
    """The same with gzip; empty where that does not pay."""
    content_type: str
    etag: str
    kept: bool

    def answer(self, headers: Mapping[str, str]) -> HttpResponse:
        """The file, or nothing when the client has it."""
        known = {
            tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")
        }
        told = [
            ("etag", self.etag),
            ("cache-control", _KEPT if self.kept else _ASKED),
            ("vary", "accept-encoding"),
        ]
        if self.etag in known or "*" in known:
            return HttpResponse(HTTPStatus.NOT_MODIFIED, b"", tuple(told))
        told.insert(0, ("content-type", self.content_type))
        if self.packed and _takes_gzip(headers.get("accept-encoding", "")):
            told.append(("content-encoding", "gzip"))
            return HttpResponse(HTTPStatus.OK, self.packed, tuple(told))
        return HttpResponse(HTTPStatus.OK, self.body, tuple(told))


def make_file(body: bytes, content_type: str, *, kept: bool = False) -> File:
    """A file of these bytes."""
    packed = gzip.compress(body, mtime=0) if len(body) > _SMALL else b""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return File(body, packed, content_type, etag, kept)


@functools.cache
def shipped_bundle() -> Mapping[str, File]:
    """What this installation serves; read once, and packed then."""
    return read_bundle(resources.files("xached"))


def is_client_built() -> bool:
    """Whether this installation has the web client's screens."""
    return (resources.files("xached") / "web" / _INDEX).is_file()


def read_bundle(package: Traversable) -> Mapping[str, File]:
    """Every file by its path. Without a built client the document says that it is missing."""
    page = package / "api" / "page"
    files = {path: _read(page / name) for path, name in _PAGE_FILES.items()}
    web = package / "web"
    if (web / _INDEX).is_file():
        files.update(_walk(web, ""))
        files[DOCUMENT] = files.pop(f"/{_INDEX}")
    else:
        files[DOCUMENT] = _read(page / _NOT_BUILT)
    return files


def path_of(path: str, *, admin: bool = False) -> str:
    """Where the file for an address lies: addresses of screens lead to the one document."""
    first = path.removeprefix("/").partition("/")[0]
    known = first in SCREENS or (admin and first == ADMIN_SCREEN)
    return DOCUMENT if path.startswith("/") and known else path


def files_for(bundle: Mapping[str, File], *, admin: bool) -> dict[str, File]:
    """What a port serves: nothing of the administrators' screens where they are not served."""
    if not admin:
        return {path: file for path, file in bundle.items() if not path.startswith(ADMIN_FILES)}
    return {**bundle, DOCUMENT: _marked(bundle[DOCUMENT], ADMIN_MARK)}


def for_guests(document: File) -> File:
    """The document with the mark of a demo in it."""
    return _marked(document, DEMO_MARK)


def _marked(document: File, mark: bytes) -> File:
    body = document.body.replace(b"<head>", b"<head>" + mark, 1)
    return make_file(body, document.content_type)


def _walk(folder: Traversable, path: str) -> list[tuple[str, File]]:
    found = []
    for entry in folder.iterdir():
        below = f"{path}/{entry.name}"
        if entry.is_dir():
            found += _walk(entry, below)
        elif entry.name.rpartition(".")[2] in _TYPES:
            found.append((below, _read(entry, kept=below.startswith(_NAMED_BY_DIGEST))))
    return found


def _read(entry: Traversable, *, kept: bool = False) -> File:
    content_type = _TYPES[entry.name.rpartition(".")[2]]
    return make_file(entry.read_bytes(), content_type, kept=kept)


def _takes_gzip(accepted: str) -> bool:
    offers = [offer.replace(" ", "") for offer in accepted.lower().split(",")]
    return "gzip" in [offer.partition(";")[0] for offer in offers if not offer.endswith(";q=0")]
