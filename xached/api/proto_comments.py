"""What the protos say of themselves: the comment before each declaration, by its full name.

The generated code does not carry comments, so the files are read again, as text. They are formatted
by a tool and every declaration is documented, both of which the build checks; that is why reading
them line by line is enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_PACKAGE = re.compile(r"package ([\w.]+);")
_BLOCK = re.compile(r"(service|message|enum|rpc|oneof) (\w+)")
_MEMBER = re.compile(r"(?:repeated |optional )?(?:[\w.]+|map<[\w., ]+>) (\w+) = \d+|(\w+) = \d+")


def protos_dir() -> Path:
    """Where the protos are: in the package once installed, in protos/ before."""
    packaged = Path(__file__).parents[1] / "protos"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "protos"


@cache
def comments_of(file: str) -> Mapping[str, str]:
    """The comments of a file such as ``xache/v1/types.proto``. Raises: OSError."""
    return read_comments((protos_dir() / file).read_text(encoding="utf-8"))


def read_comments(text: str) -> Mapping[str, str]:
    """The comments of a proto by full name; what a oneof holds belongs to its message."""
    found: dict[str, str] = {}
    package = ""
    scopes: list[str] = []
    """Names of the blocks around a line; empty for those that name nothing."""
    comment: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("//"):
            comment.append(line.removeprefix("//").strip())
            continue
        if package_line := _PACKAGE.match(line):
            package = package_line[1]
        block = _BLOCK.match(line)
        member = None if block else _MEMBER.match(line)
        name = block[2] if block else member and (member[1] or member[2])
        if name and comment:
            found[".".join((package, *filter(None, scopes), name))] = " ".join(comment)
        comment = []
        opened = line.count("{") - line.count("}")
        if opened > 0:
            scopes.append(block[2] if block and block[1] != "oneof" else "")
        elif opened < 0:
            scopes.pop()
    return found
