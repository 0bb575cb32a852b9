"""A table from names to objects. It finds entries in our folders and in installed packages."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from types import MappingProxyType, ModuleType
from typing import Any, Generic, TypeVar

from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.registry.packages import (
    GROUPS,
    note_broken,
    package_name,
    tell_unknown_groups,
    told_together,
)

T = TypeVar("T")
_made: dict[str, Registry[Any]] = {}  # group -> its registry


@dataclass(frozen=True)
class Extension:
    """An entry of an installed package, as a run that uses it records it.

    Attributes:
        group: the entry-point group.
        name: the entry's name.
        package: the name of the package, as pip knows it.
        version: its version.
    """

    group: str
    name: str
    package: str
    version: str

    @property
    def is_missing(self) -> bool:
        """Whether no installed package has the entry; a broken package still has it."""
        if self.name in metadata.entry_points(group=self.group).names:
            return False
        if self.group in _made:
            return self.name not in _made[self.group]
        return not any(metadata.distributions(name=self.package))

    def describe_missing(self) -> str:
        """Which package has the entry, and what the user can do."""
        kind = GROUPS.get(self.group, self.group)
        return f"No installed package has the {kind} '{self.name}'. {self.advice}"

    @property
    def advice(self) -> str:
        """The package that the user needs."""
        return f"The run was trained with the package {self.package} {self.version}: install it"


def extensions_of(names: Mapping[str, Iterable[str]]) -> list[Extension]:
    """Those of some entries that come from installed packages, in the order of their groups and names.

    Args:
        names: entry-point group -> names of entries.
    """
    found = [_made[group].extension(name) for group, some in names.items() if group in _made for name in set(some)]
    return sorted(filter(None, found), key=lambda each: (each.group, each.name))


def loaded_entries() -> Iterator[tuple[str, str, Any]]:
    """Kind, name and object of the entries that are loaded already, those of all kinds that packages can add."""
    for registry in _made.values():
        for name, entry in registry._entries.items():
            yield registry.kind, name, entry


class Registry(Generic[T]):
    """Named entries of one kind, for example the task types.

    An entry enters itself with :meth:`register` when its module is imported. Modules are imported when they are
    needed: the module that has the entry's name first, and all of them if no module has that name.

    >>> shapes = Registry("shape")
    >>> @shapes.register("square")
    ... class Square: ...
    >>> shapes["square"] is Square
    True

    Args:
        kind: what an entry is called in messages.
        folder: a package of ours. Each of its modules (not of its subfolders) registers one or more entries.
        folders: further packages of the same kind, such as subfolders of ``folder``.
        modules: further modules of ours that each register the entry that has the module's name.
        group: an entry-point group. Each entry point of an installed package names one entry, and points at a module
            that registers it or at the entry itself.
        needs: attributes that every entry must have; an entry of a package may be anything.
        elsewhere: what other tools call an entry -> its name here, for hints.
    """

    def __init__(
        self,
        kind: str,
        *,
        folder: str | None = None,
        folders: Iterable[str] = (),
        modules: Iterable[str] = (),
        group: str | None = None,
        needs: Iterable[str] = (),
        elsewhere: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.kind = kind
        self.elsewhere = elsewhere
        self.group = group
        self._folders = [*([] if folder is None else [folder]), *folders]
        self._modules = list(modules)
        self._needs = list(needs)
        self._entries: dict[str, T] = {}
        self._fits: dict[str, list[str]] = {}
        self._broken: dict[str, str] = {}
        self._extensions: dict[str, Extension] = {}
        self._is_complete = False
        if group is not None:
            _made[group] = self

    def register(self, name: str, fits: Iterable[str] = ()) -> Callable[[T], T]:
        """Decorator that enters its object under ``name``.

        Args:
            name: what users call the entry.
            fits: names of what the entry is made for, where that does not name the entry itself: the task types of a
                metric from another package, for example.

        Raises:
            ValueError: the name is taken, or the object lacks an attribute or method that an entry must have.
        """

        def enter(entry: T) -> T:
            if self._entries.get(name, entry) is not entry:
                raise ValueError(f"{self.kind} '{name}' is registered twice")
            missing = _lacking(entry, self._needs)
            if missing:
                raise ValueError(f"{self.kind} '{name}' lacks {', '.join(missing)}")
            self._entries[name] = entry
            for other in fits:
                self._fits.setdefault(other, []).append(name)
            return entry

        return enter

    @contextmanager
    def lending(self, entries: Mapping[str, T]) -> Iterator[None]:
        """Have further entries inside the context, for tests and notebooks."""
        for name, entry in entries.items():
            self.register(name)(entry)
        try:
            yield
        finally:
            for name in entries:
                del self._entries[name]

    def fitting(self, name: str) -> list[str]:
        """The entries that say that they fit ``name``."""
        self._load_all()
        return [entry for entry in self._fits.get(name, []) if entry in self._entries]

    def __getitem__(self, name: str) -> T:
        """The entry called ``name``.

        Raises:
            ConfigError: there is none, or its package is broken. The message names the nearest entry, or the reason.
        """
        if name not in self._entries:
            self._load(name)
        if name in self._entries:
            return self._entries[name]
        raise ConfigError(f"unknown {self.kind}", value=name, hint=self.hint(name))

    def extension(self, name: str) -> Extension | None:
        """The package of an entry that is there; None if it is mtsmart's, or if a program has registered it."""
        entry = self._entries.get(name)
        if entry is None or is_own(entry):
            return None
        if self._is_complete:
            return self._extensions.get(name)
        # Its module was imported before anything asked for packages.
        return next((_extension(plugin, name) for plugin in self._plugins if plugin.name == name), None)

    def reason_missing(self, name: str) -> str | None:
        """Why the entry of an installed package cannot be used; None if no package has such an entry."""
        self._load_all()
        return self._broken.get(name)

    def hint(self, name: str) -> str:
        """Why there is no entry ``name``, or which entry may be meant."""
        return self.reason_missing(name) or did_you_mean(self.elsewhere.get(name, name), self)

    def __contains__(self, name: object) -> bool:
        if name in self._entries or name in self._own_modules:
            return True
        self._load_all()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._load_all()
        return iter(self._entries)

    def __len__(self) -> int:
        self._load_all()
        return len(self._entries)

    @cached_property
    def _own_modules(self) -> dict[str, str]:
        """Last part of its name -> module, for all modules of ours that register entries."""
        names = list(self._modules)
        for folder in self._folders:
            package = importlib.import_module(folder)
            modules = [found.name for found in pkgutil.iter_modules(package.__path__) if not found.ispkg]
            names += [f"{folder}.{module}" for module in modules]
        return {name.rpartition(".")[2]: name for name in names}

    @cached_property
    def _plugins(self) -> list[metadata.EntryPoint]:
        if self.group is None:
            return []
        found = metadata.entry_points()
        tell_unknown_groups(found, _made)
        return sorted(found.select(group=self.group))

    def _load(self, name: str) -> None:
        """Import as little as finds ``name``."""
        if name in self._own_modules:
            importlib.import_module(self._own_modules[name])
        if name not in self._entries:
            self._load_all()

    def _load_all(self) -> None:
        if self._is_complete:
            return
        self._is_complete = True
        for module in self._own_modules.values():
            importlib.import_module(module)
        owners = {name: "mtsmart" for name, entry in self._entries.items() if is_own(entry)}
        with told_together():
            for plugin in self._plugins:
                if (reason := self._load_plugin(plugin, owners)) is not None:
                    note_broken(plugin, self.kind, reason)

    def _load_plugin(self, plugin: metadata.EntryPoint, owners: dict[str, str]) -> str | None:
        """Register the entry of an installed package. A broken one must not stop the others.

        Args:
            plugin: points at the entry.
            owners: name of an entry -> the package that has it.

        Returns:
            why it cannot be used; None if it can.
        """
        name = plugin.name
        package = package_name(plugin)
        before = set(self._entries)
        try:
            if name in owners:
                raise ValueError(f"{owners[name]} has a {self.kind} of this name; the package must choose another")
            found: Any = plugin.load()
            if not isinstance(found, ModuleType):
                self.register(name)(found)
            elif name not in self._entries:
                named = {each.name for each in self._plugins}
                others = [f"'{other}'" for other in _of_module(plugin, self._entries, before) if other not in named]
                instead = f", but {' and '.join(others)}; name the entry point {' or '.join(others)}" if others else ""
                raise ValueError(f"the module {plugin.value} registers no {self.kind} of this name{instead}")
            owners[name] = package
            self._extensions[name] = _extension(plugin, name)
        except (Exception, SystemExit) as error:  # the package may do anything while it is imported
            if name not in before:  # its module may have registered the entry before it failed
                self._entries.pop(name, None)
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            self._broken[name] = f"The {self.kind} '{name}' of the package {package} cannot be used: {reason}"
            return reason
        finally:
            for each in _of_module(plugin, self._entries, before):
                self._extensions.setdefault(each, _extension(plugin, each))
        return None


def _of_module(plugin: metadata.EntryPoint, entries: Mapping[str, object], before: set[str]) -> list[str]:
    """The entries that the module of an entry point has registered, now or when it was imported earlier.

    Args:
        plugin: the entry point.
        entries: those of the registry.
        before: the names that it had before the entry point was loaded.
    """
    package = plugin.module.partition(".")[0]
    return [
        name
        for name, entry in entries.items()
        if _module_of(entry) == plugin.module
        or (name not in before and _module_of(entry).partition(".")[0] in ("", package))
    ]


def _lacking(entry: object, needs: Iterable[str]) -> list[str]:
    """The attributes of its kind that an entry does not have, and the abstract methods that it has not written."""
    missing = [attribute for attribute in needs if not hasattr(entry, attribute)]
    return list(dict.fromkeys([*missing, *sorted(getattr(entry, "__abstractmethods__", ()))]))


def _extension(plugin: metadata.EntryPoint, name: str) -> Extension:
    version = "" if plugin.dist is None else plugin.dist.version
    return Extension(plugin.group, name, package_name(plugin), version)


def _module_of(entry: object) -> str:
    return getattr(entry, "__module__", None) or ""


def is_own(entry: object) -> bool:
    """Whether an entry is mtsmart's. A user may have imported the module of another package before."""
    return _module_of(entry).partition(".")[0] == "mtsmart"
