"""E-mail addresses, as they are and as people spell them out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..findings import Finding
from .page import Page

# Letters of scripts that part words by spaces: in others an address's neighbours would count to it.
_LETTERS = "A-Za-zÀ-ɏͰ-ԯ"
_LOCAL = rf"{_LETTERS}0-9._%+'\-"
_LABEL = rf"{_LETTERS}0-9\-"

# A run of characters is entered only at its beginning and never given back: linear.
_EMAIL = re.compile(rf"(?<![{_LOCAL}])[{_LOCAL}]++@[{_LABEL}.]++")
_SPELLED = re.compile(
    rf"(?<![{_LOCAL}])[{_LOCAL}]{{1,64}}+"
    rf"(?: ?[\[({{<] ?(?:at|@) ?[\])}}>] ?[{_LABEL}.]{{1,120}}+"
    rf"(?: ?[\[({{<] ?(?:dot|\.) ?[\])}}>] ?[{_LABEL}]{{1,63}}+){{0,4}}+"
    rf"| at [{_LABEL}]{{1,63}}+(?: dot [{_LABEL}]{{1,63}}+){{1,4}}+)"
)
HINTS = {"email": "@", "email_spelled": r"[(\[{<] ?(?:at|@) ?[)\]}>]| at [^ ]{1,64} dot "}
_TOP = re.compile(rf"(?:xn--[a-z0-9\-]{{2,59}}|[{_LETTERS}]{{2,24}})\Z")
_DOT = re.compile(r" ?[\[({<] ?(?:dot|\.) ?[\])}>] ?| dot ")
# "logo@2x.png" is a picture for fine screens.
_PICTURES = frozenset(("png", "jpg", "jpeg", "gif", "webp", "svg", "avif", "ico"))
_LONGEST_LOCAL = 64


def find(page: Page) -> Iterator[Finding]:
    """E-mail addresses."""
    if "email" in page.hints:
        for match in _EMAIL.finditer(page.text):
            if not page.visit(1):
                return
            yield from _email(page, match)
    if "email_spelled" in page.hints:
        for match in _SPELLED.finditer(page.lower):
            yield from _spelled(match)


def _email(page: Page, match: re.Match[str]) -> Iterator[Finding]:
    local, _, domain = match[0].partition("@")
    kept = domain.rstrip(".-")
    end = match.end() - (len(domain) - len(kept))
    name = local.lstrip(".'-%+")[-_LONGEST_LOCAL:]
    start = match.start() + len(local) - len(name)
    if name.strip("._'-%+") and _is_domain(kept) and not _is_login_of_url(page, start):
        yield Finding("pii_leakage", "pii.email", _score(page, name, end), (start, end), label="EMAIL")


def _is_domain(domain: str) -> bool:
    top = domain.rpartition(".")[2].lower()
    return (
        "." in domain
        and ".." not in domain
        and domain[0] not in ".-"
        and len(domain) <= 253
        and top not in _PICTURES
        and _TOP.match(top) is not None
    )


def _is_login_of_url(page: Page, start: int) -> bool:
    """Whether the name is the password of `scheme://user:password@host`: a secret, but no address."""
    before = page.text[max(0, start - 80) : start]
    return before.endswith(":") and "://" in before.rpartition(" ")[2]


def _score(page: Page, name: str, end: int) -> float:
    # `git@host:path` names a repository, and nobody.
    if name.lower() == "git" and page.text[end : end + 1] in (":", "/"):
        return 0.2
    return 0.95


def _spelled(match: re.Match[str]) -> Iterator[Finding]:
    kept = match[0].rstrip(".-")
    top = re.split(r"[. ]", _DOT.sub(".", kept))[-1].strip("[](){}<>")
    if "." in _DOT.sub(".", kept) and _TOP.match(top):
        span = (match.start(), match.start() + len(kept))
        yield Finding("pii_leakage", "pii.email_spelled", 0.7, span, label="EMAIL")
