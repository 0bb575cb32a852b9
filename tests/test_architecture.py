"""The shape of the package: imports go downward, no cycles, short files and functions, small interfaces, small rooms,
every registry entry is tested, every YAML validates."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from tests.package_source import MODULES, PACKAGE, ROOT, dotted, nodes_of

# From the ground up; a module may import from its own room and from rooms before it.
ROOMS = [
    ["text"],
    ["errors", "log", "quiet", "resources", "torch_state"],
    ["arguments", "hardware", "processes", "registry", "storage", "user_paths"],
    ["unforeseen"],
    ["config"],
    ["tasks"],
    ["losses", "metrics", "runs"],
    ["data"],
    ["cpu"],
    ["models"],
    ["task_types"],
    ["preparation"],
    ["drafting", "evaluation"],
    ["regularizers"],
    ["distill"],
    ["weighting"],
    ["training"],
    ["reporting", "tracking"],
    ["exporting", "merging", "suites"],
    ["hub"],
    ["running"],
    ["api"],
    ["serving"],
    ["affinity", "sweeps"],
    ["cli"],
    ["__main__", "__init__"],
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imports_of(path: Path) -> set[str]:
    """Dotted names inside mtsmart that a module imports, also inside functions."""
    found = set()
    for node in nodes_of(path):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
        found |= {name for name in names if name.split(".")[0] == "mtsmart"}
    return found


def test_imports_go_downward():
    upward = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in MODULES
        for name in imports_of(path)
        if not is_allowed(room_of(path), name)
    }
    assert not upward


def is_allowed(own: str, name: str) -> bool:
    """Whether a module of the room ``own`` may import ``name``."""
    target = name.split(".")[1] if "." in name else ""
    return target not in LEVEL or target == own or LEVEL[target] < LEVEL[own]


def test_every_room_has_a_level():
    assert {room_of(path) for path in MODULES} <= set(LEVEL)


def test_no_import_cycle():
    """Depth-first over modules, function-level imports included."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES
    }
    state: dict[str, int] = {}

    def visit(name: str, trail: list[str]) -> None:
        if state.get(name) == 2:
            return
        assert state.get(name) != 1, " -> ".join([*trail, name])
        state[name] = 1
        package = name.rpartition(".")[0]
        for target in imports_of(modules[name]):
            if target in modules and target not in (name, package):
                visit(target, [*trail, name])
        state[name] = 2

    for name in modules:
        if name != "mtsmart":
            visit(name, [])


MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
MAX_INTERFACE_METHODS = 16
MAX_ROOM_FILES = 14


WRITTEN_FILES = [
    *(file for folder in ("mtsmart", "tests", "benchmarks") for file in sorted((ROOT / folder).rglob("*.py"))),
    *sorted((ROOT / "docs").rglob("*.py")),
]
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def test_files_stay_short():
    sizes = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in WRITTEN_FILES}
    assert not {path for path, size in sizes.items() if size > MAX_FILE_LINES}


def test_functions_stay_short():
    """From ``def`` to the last line, docstring included and decorators excluded."""
    long = {
        f"{path.relative_to(PACKAGE).as_posix()}: {node.name}"
        for path in MODULES
        for node in nodes_of(path)
        if isinstance(node, FUNCTIONS) and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert not long


def test_interfaces_stay_small():
    """An interface is abstract, a protocol, or a class of mtsmart that another class of mtsmart extends.

    Every ``def`` in its body counts: methods, properties and private ones.
    """
    classes = [node for path in MODULES for node in nodes_of(path) if _is_class(node)]
    extended = {base for node in classes for base in base_names(node)}
    interfaces = [node for node in classes if node.name in extended or base_names(node) & {"ABC", "Protocol"}]
    assert {"Regularizer", "TaskType"} <= {node.name for node in interfaces}
    sizes = {node.name: sum(isinstance(part, FUNCTIONS) for part in node.body) for node in interfaces}
    assert not {name for name, size in sizes.items() if size > MAX_INTERFACE_METHODS}


def _is_class(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef)


def base_names(node: ast.ClassDef) -> set[str]:
    """The last parts of the names of a class's bases, without type parameters."""
    plain = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
    return {dotted(base).rpartition(".")[2] for base in plain}


def test_rooms_stay_small():
    sizes = Counter(path.parent.relative_to(PACKAGE).as_posix() for path in MODULES)
    assert not {room for room, size in sizes.items() if size > MAX_ROOM_FILES}


def test_all_warnings_are_given_by_one_function():
    """``mtsmart.errors.warn`` finds the line of the user's program, which a fixed ``stacklevel`` does not."""
    found = {
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
        for path in MODULES
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and dotted(node.func) == "warnings.warn"
    }
    assert not found


def test_trainer_names_no_task_type_and_no_regulariser():
    from mtsmart.regularizers import REGULARIZERS
    from mtsmart.task_types import TASK_TYPES

    for path in (PACKAGE / "training").rglob("*.py"):
        names = {node.value for node in nodes_of(path) if isinstance(node, ast.Constant)}
        assert not names & {*TASK_TYPES, *REGULARIZERS}, path.name


ROOMS_OF_METHODS = {"regularizers", "distill"}
# Names under which the figures of methods are logged, for entries of the registry that do not list theirs.
FIGURES = {"R", "D", "KD", "flips", "delta/x", "teacher_distance"}


def names_of_methods() -> set[str]:
    """The registered methods' names and those of their figures."""
    from mtsmart.regularizers import REGULARIZERS

    for room in sorted(ROOMS_OF_METHODS):  # a module registers its method when it is imported
        for path in sorted((PACKAGE / room).rglob("*.py")):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))

    figures = {
        figure.name
        for name in REGULARIZERS
        for figure in getattr(REGULARIZERS[name], "figures", ())
        if hasattr(figure, "name")
    }
    return {*REGULARIZERS, *(figures or FIGURES)}


def mentions(source: str, names: set[str]) -> list[str]:
    """Where a module's code has one of the names as a whole word; comments and docstrings are not code.

    Strings are compared letter by letter. An identifier is compared as a whole and by its words, so ``build_smart`` and
    ``SmartSettings`` both mention ``smart``; a name of one letter counts only as a whole identifier.
    """
    tree = ast.parse(source)
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}
    pattern = re.compile(rf"(?<![\w/])(?:{'|'.join(map(re.escape, sorted(names)))})(?![\w/])")
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            text = re.sub(r"\bmtsmart\.\w+", "", node.value)  # a room, which may be called as its method is
            hits = set(pattern.findall(text))
        else:
            hits = {name for identifier in identifiers_of(node) for name in names & words_of(identifier)}
        found += [f"line {getattr(node, 'lineno', 0)}: {name}" for name in sorted(hits)]
    return found


def _has_docstring(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None


def identifiers_of(node: ast.AST) -> Iterator[str]:
    """The identifiers that a node itself writes: names, attributes, arguments, keywords, imports, definitions."""
    for field in ("id", "attr", "arg", "name", "asname", "module"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            parts = value.split(".")
            # The second part of mtsmart.distill.teachers is a room.
            yield from parts[2:] if parts[0] == "mtsmart" else parts


def words_of(identifier: str) -> set[str]:
    """``SmartSettings`` -> SmartSettings, smart, settings; words of one letter are left out."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", identifier)
    return {identifier, *(part.lower() for part in parts if len(part) > 1)}


@pytest.mark.parametrize(
    "source",
    [
        "x = 'smart'",
        "x = 'smart.weight: is too large'",
        "x = f'{y} of smart=off'",
        "config.smart",
        "f(smart=1)",
        "def f(smart): ...",
        "def resolve_smart(): ...",
        "class SmartSettings: ...",
        "from mtsmart.regularizers.smart import x",
        "figures['R']",
        "R = 1",
    ],
)
def test_a_methods_name_is_found(source):
    assert mentions(source, {"smart", "R"})


def test_other_words_are_no_methods_name():
    source = '"""smart and R."""\n# smart\nimport mtsmart\nsmarter = "mtsmart"\nr = "R2 r"\nto_r = 1'
    assert mentions(source, {"smart", "R"}) == []


def test_only_the_rooms_of_methods_name_a_method():
    names = names_of_methods()
    found = [
        f"{path.relative_to(ROOT).as_posix()} {mention}"
        for path in [*MODULES, ROOT / "docs" / "make_reference.py"]
        if path.parent == ROOT / "docs" or room_of(path) not in ROOMS_OF_METHODS
        for mention in mentions(path.read_text(), names)
    ]
    assert found == []


def test_every_registry_entry_is_tested():
    """Each name of each registry appears in a test."""
    from mtsmart.data.perturbations import PERTURBATIONS
    from mtsmart.losses import CRITERIA, DIVERGENCES
    from mtsmart.metrics import METRICS
    from mtsmart.models.heads import HEADS
    from mtsmart.regularizers import REGULARIZERS
    from mtsmart.task_types import TASK_TYPES

    text = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__))
    for registry in (CRITERIA, DIVERGENCES, METRICS, HEADS, PERTURBATIONS, REGULARIZERS, TASK_TYPES):
        for name in registry:
            assert name in text, f"{registry.kind} '{name}' is in no test"


def test_packages_in_setup_cfg_are_all_packages():
    import configparser

    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    listed = set(parser["options"]["packages"].split())
    real = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert listed == real | {"mtsmart.shipped.tasks", "mtsmart.shipped.experiments"}


def test_every_shipped_task_is_valid():
    from mtsmart.task_types import build_tasks
    from mtsmart.tasks import TaskLibrary

    library = TaskLibrary()
    tasks = build_tasks({name: library.entry(name) for name in library})
    glue = {"cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "mnli_mismatched", "qnli", "rte", "wnli", "ax"}
    assert {*glue, "snli", "scitail", "anli_r1", "anli_r2", "anli_r3", "hans"} <= set(tasks)
