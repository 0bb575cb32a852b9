"""A module that cannot be imported, as happens with packages for another version."""

import a_package_that_is_not_installed  # noqa: F401
