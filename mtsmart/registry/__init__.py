"""Tables from names to objects, which installed packages add to; what messages call their entries, and their code."""

from mtsmart.registry.code import Code, code_of
from mtsmart.registry.table import (
    GROUPS,
    Extension,
    Registry,
    extensions_of,
    is_own,
    loaded_entries,
    told_together,
)
from mtsmart.registry.titles import package_of, title_of

__all__ = [
    "GROUPS",
    "Code",
    "Extension",
    "Registry",
    "code_of",
    "extensions_of",
    "is_own",
    "loaded_entries",
    "package_of",
    "title_of",
    "told_together",
]
