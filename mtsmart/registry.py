"""A table from names to objects. It finds entries in our folders and in installed packages."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property
from importlib import metadata
from types import ModuleType
from typing import Any, ClassVar, Generic, TypeVar

from mtsmart.errors import ConfigError, MtsmartWarning, did_you_mean

T = TypeVar("T")


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

    Attributes:
        all: every registry that there is.
    """

    all: ClassVar[list[Registry[Any]]] = []

    def __init__(
        self,
        kind: str,
        *,
        folder: str | None = None,
        folders: Iterable[str] = (),
        modules: Iterable[str] = (),
        group: str | None = None,
        needs: Iterable[str] = (),
    ) -> None:
        self.kind = kind
        self.group = group
        self._folders = [*([] if folder is None else [folder]), *folders]
        self._modules = list(modules)
        self._needs = list(needs)
        self._entries: dict[str, T] = {}
        self._fits: dict[str, list[str]] = {}
        self._broken: dict[str, str] = {}
        self._is_complete = False
        Registry.all.append(self)

    def register(self, name: str, fits: Iterable[str] = ()) -> Callable[[T], T]:
        """Decorator that enters its object under ``name``.

        Args:
            name: what users call the entry.
            fits: names of what the entry is made for, where that does not name the entry itself: the task types of a
                metric from another package, for example.

        Raises:
            ValueError: the name is taken, or the object lacks an attribute that an entry must have.
        """

        def enter(entry: T) -> T:
            if self._entries.get(name, entry) is not entry:
                raise ValueError(f"{self.kind} '{name}' is registered twice")
            missing = [attribute for attribute in self._needs if not hasattr(entry, attribute)]
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
        hint = self._broken.get(name) or did_you_mean(name, self)
        raise ConfigError(f"unknown {self.kind}", value=name, hint=hint)

    def reason_missing(self, name: str) -> str | None:
        """Why the entry of an installed package cannot be used; None if no package has such an entry."""
        self._load_all()
        return self._broken.get(name)

    def hint_for_unknown(self, name: str, options: Iterable[str]) -> str:
        """What the user can do about a name that is none of ``options``, among which are this registry's entries."""
        reason = self.reason_missing(name)
        if reason is not None:
            return reason
        nearest = did_you_mean(name, options)
        if nearest.startswith("Did you mean"):
            return nearest
        return f"No installed package has a {self.kind} of this name. {nearest}"

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
        return [] if self.group is None else sorted(metadata.entry_points(group=self.group))

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
        owners = {name: "mtsmart" for name, entry in self._entries.items() if _is_own(entry)}
        for plugin in self._plugins:
            self._load_plugin(plugin, owners)

    def _load_plugin(self, plugin: metadata.EntryPoint, owners: dict[str, str]) -> None:
        """Register the entry of an installed package. A broken one must not stop the others.

        Args:
            plugin: points at the entry.
            owners: name of an entry -> the package that has it.
        """
        name = plugin.name
        package = plugin.dist.name if plugin.dist is not None else plugin.value
        was_there = name in self._entries
        try:
            if name in owners:
                raise ValueError(f"{owners[name]} has a {self.kind} of this name; the package must choose another")
            found: Any = plugin.load()
            if not isinstance(found, ModuleType):
                self.register(name)(found)
            elif name not in self._entries:
                raise ValueError(f"the module {plugin.value} registers no {self.kind} of this name")
            owners[name] = package
        except (Exception, SystemExit) as error:  # the package may do anything while it is imported
            if not was_there:  # its module may have registered the entry before it failed
                self._entries.pop(name, None)
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            text = f"the {self.kind} '{name}' of the package {package} cannot be used: {reason}"
            self._broken[name] = text[0].upper() + text[1:]
            warnings.warn(text, MtsmartWarning, stacklevel=2)


def _is_own(entry: object) -> bool:
    """Whether an entry is mtsmart's. A user may have imported the module of another package before."""
    module = getattr(entry, "__module__", None) or ""
    return module.partition(".")[0] == "mtsmart"


def loaded_entries() -> Iterator[Any]:
    """The entries of all registries that are loaded already."""
    for registry in Registry.all:
        yield from registry._entries.values()


def title_of(entry: Any) -> str:
    """What messages call a loaded entry: its kind and name, and the package where it is not mtsmart's."""
    for registry in Registry.all:
        for name, known in registry._entries.items():
            if known is entry:
                package = None if _is_own(entry) else package_of(getattr(entry, "__module__", None) or "")
                return f"the {registry.kind} '{name}'" + (f" of the package {package}" if package else "")
    return str(getattr(entry, "__name__", entry))


def package_of(module: str) -> str | None:
    """Name and version of the installed package that a module belongs to; None if it adds nothing to mtsmart."""
    packages = _packages(tuple(sys.path))
    while module and module not in packages:  # Two packages may share the first part of their modules' names.
        module = module.rpartition(".")[0]
    return packages.get(module)


@cache
def _packages(path: tuple[str, ...]) -> dict[str, str]:
    """Module -> name and version of its package, for the modules of all entry points and the packages around them.

    Args:
        path: where packages are looked for; it is named so that another one is read anew.
    """
    found: dict[str, str] = {}
    for package in metadata.distributions():
        for point in package.entry_points:
            parts = point.module.split(".") if point.group.startswith("mtsmart.") else []
            for length in range(1, len(parts) + 1):
                found.setdefault(".".join(parts[:length]), f"{package.name} {package.version}")
    return found
