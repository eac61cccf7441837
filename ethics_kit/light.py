"""Imports nbformat without a grammar of web addresses, which takes over a second to make and which nothing here uses.

What imports nbformat, directly or through papermill and nbconvert, imports this first. jsonschema, which nbformat
brings, goes without the grammar where it is not installed either.
"""

import sys

GRAMMAR = "rfc3987_syntax"

if GRAMMAR not in sys.modules:
    sys.modules[GRAMMAR] = None  # type: ignore[assignment]  # so it cannot be imported
    try:
        import nbformat  # noqa: F401
    finally:
        del sys.modules[GRAMMAR]
