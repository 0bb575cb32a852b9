"""What is said of installed packages: of their entries that are broken or missing, and of groups that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from mtsmart.errors import nearest, warn

_PREFIX = "mtsmart."  # of the groups of entry points that are meant for mtsmart
GROUPS = {
    "mtsmart.regularizers": "regulariser",
    "mtsmart.task_types": "task type",
    "mtsmart.heads": "head type",
    "mtsmart.losses": "loss",
    "mtsmart.divergences": "divergence",
    "mtsmart.metrics": "metric",
    "mtsmart.weightings": "weighting",
    "mtsmart.transforms": "transform of the encoder",
    "mtsmart.trackers": "tracker",
}
"""Entry-point group -> what its entries are called. The registries themselves are made when their room is imported."""


_told: set[tuple[str, str]] = set()  # what was said of a package already: the package with its folder, and of what
_BROKEN = "broken entries"
_Reasons = dict[tuple[str, str], str]  # kind and name of an entry -> why it cannot be used
_gathered: list[list[tuple[metadata.EntryPoint, _Reasons]]] = []  # for the outermost context of told_together


def no_package_has(kind: str) -> str:
    """The sentence, without its full stop, for a name that no entry of a kind has."""
    return f"No installed package has a {kind} of this name"


@contextmanager
def told_together() -> Iterator[None]:
    """Inside it no broken entry is told of; afterwards each package that has some gets one warning."""
    _gathered.append([])
    try:
        yield
    finally:
        found = _gathered.pop()
        by_package: dict[tuple[str, str], _Reasons] = {}
        for plugin, reasons in [] if _gathered else found:
            by_package.setdefault((package_name(plugin), _place(plugin)), {}).update(reasons)
        for (package, place), reasons in by_package.items():
            _tell_once((place, _BROKEN), _of_broken(package, reasons))


def note_broken(plugin: metadata.EntryPoint, kind: str, reason: str) -> None:
    """Inside :func:`told_together`: let it tell of a broken entry.

    Args:
        plugin: points at the entry.
        kind: what its registry calls an entry.
        reason: why it cannot be used.
    """
    _gathered[0].append((plugin, {(kind, plugin.name): reason}))


def _of_broken(package: str, reasons: _Reasons) -> str:
    """One line about the entries of a package that cannot be used."""
    ((kind, first), reason), *rest = reasons.items()
    if not rest:
        return f"the {kind} '{first}' of the package {package} cannot be used: {reason}"
    names: dict[str, list[str]] = {}
    for of_kind, name in reasons:
        names.setdefault(of_kind, []).append(f"'{name}'")
    shown = "; ".join(f"{of_kind} {', '.join(some)}" for of_kind, some in names.items())
    more = "a command that is given the name of another one tells its reason"
    return f"the package {package} has entries that cannot be used ({shown}); '{first}': {reason}; {more}"


def _tell_once(what: tuple[str, str], text: str) -> None:
    """Warn, unless this was said of the package before. Each kind of entry is looked for at a time of its own."""
    if what not in _told:
        _told.add(what)
        warn(text)


def package_name(plugin: metadata.EntryPoint) -> str:
    """The package of an entry point, as pip knows it."""
    return plugin.value if plugin.dist is None else plugin.dist.name


def _place(plugin: metadata.EntryPoint) -> str:
    """The package with the folder that it is installed in."""
    return plugin.value if plugin.dist is None else f"{plugin.dist.name} in {plugin.dist.locate_file('')}"


def tell_unknown_groups(found: Any, made: Iterable[str]) -> None:
    """Warn once of each package that has entry points in a group which looks like mtsmart's and is none.

    Args:
        found: what ``metadata.entry_points()`` gives; its type differs between versions of Python.
        made: the groups of the registries that there are.
    """
    known = {*GROUPS, *made}
    for group in sorted(group for group in found.groups if group.startswith(_PREFIX) and group not in known):
        near = nearest(group.removeprefix(_PREFIX), (each.removeprefix(_PREFIX) for each in GROUPS))
        hint = f"the groups are {', '.join(sorted(GROUPS))}" if near is None else f"did you mean '{_PREFIX}{near}'?"
        for plugin in sorted(found.select(group=group)):
            text = (
                f"the package {package_name(plugin)} has entry points in a group that mtsmart does not know, '{group}'"
            )
            _tell_once((_place(plugin), group), f"{text}: {hint}")
