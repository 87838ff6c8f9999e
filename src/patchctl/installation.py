"""What patchctl itself is made of on this machine, and how it gets out of it."""

from __future__ import annotations

import platform
import sys
import urllib.request
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from patchctl import __version__
from patchctl.doctor import Check, failed, ok, warning
from patchctl.errors import BadInput

SCHEMES = ("https", "all", "no")


def checks() -> Iterator[Check]:
    yield ok("patchctl", f"{__version__} on Python {platform.python_version()} ({sys.platform})")
    yield from _packages()
    yield _proxy()
    yield _certificates()


def _packages() -> Iterator[Check]:
    """Each package that is older or newer than wanted; one line where none is."""
    try:
        named = map(Requirement, requires("patchctl") or ())
        wanted = [each for each in named if each.marker is None or each.marker.evaluate()]
    except PackageNotFoundError:
        yield warning("packages", "patchctl is not installed, so nothing says what it needs")
        return
    wrong = [(each, _version(each.name)) for each in wanted if not _fits(each)]
    for each, found in wrong:
        cure = f'{sys.executable} -m pip install "{each}"'
        yield failed("packages", f"{each.name} is {found}, not {each.specifier}", cure)
    if not wrong:
        yield ok("packages", f"{len(wanted)} of {len(wanted)} in the versions that are wanted")


def _fits(wanted: Requirement) -> bool:
    found = _version(wanted.name)
    return wanted.specifier.contains(found, prereleases=True) if found[:1].isdigit() else False


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not there"


def _proxy() -> Check:
    found = {k: v for k, v in urllib.request.getproxies().items() if k in SCHEMES}
    told = ", ".join(f"{scheme}: {_without_password(url)}" for scheme, url in found.items())
    return ok("proxy", told or "none")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _certificates() -> Check:
    from patchctl.azure_transport import trusted

    try:
        file = trusted()
    except BadInput as error:
        return failed("certificates", error.problems[0], error.hint)
    return ok("certificates", "the usual ones are trusted" if file is True else f"those of {file}")
