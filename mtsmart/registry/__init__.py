"""Tables from names to objects, which installed packages add to; what messages call their entries, and their code."""

from mtsmart.registry.code import Code, code_of
from mtsmart.registry.packages import GROUPS, no_package_has, told_together
from mtsmart.registry.results import form_of, wrong_count, wrong_result
from mtsmart.registry.table import Extension, Registry, extensions_of, is_own, loaded_entries
from mtsmart.registry.titles import package_of, title_of

__all__ = [
    "GROUPS",
    "Code",
    "Extension",
    "Registry",
    "code_of",
    "extensions_of",
    "form_of",
    "is_own",
    "loaded_entries",
    "no_package_has",
    "package_of",
    "title_of",
    "told_together",
    "wrong_count",
    "wrong_result",
]
