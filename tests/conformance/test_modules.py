"""Every module can be imported, also by those who check shapes and types as the library runs."""

import importlib
import pkgutil

import vestige


def test_every_module_is_imported():
    """With VESTIGE_CHECK_TYPES=1, an annotation that cannot be checked ends the import of its module."""
    names = [module.name for module in pkgutil.walk_packages(vestige.__path__, "vestige.")]
    assert len(names) > 400
    for name in names:
        if not name.endswith("__main__"):
            importlib.import_module(name)
