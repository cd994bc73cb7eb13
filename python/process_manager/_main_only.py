"""Refuses to be imported in a subinterpreter, before the extension module is loaded.

CPython itself refuses the extension in isolated interpreters only. In others its types would be
shared with the main interpreter, and the ends of both would end the same processes.
"""

from importlib import import_module
from importlib.util import find_spec


def _number() -> int:
    """Which interpreter this is; 0 is the main one, or one that cannot tell."""
    for name in ("_interpreters", "_xxsubinterpreters"):
        if find_spec(name) is not None:
            current = import_module(name).get_current()
            return int(current[0] if isinstance(current, tuple) else current)
    return 0


if _number() != 0:
    raise ImportError(
        "process_manager cannot be used in a subinterpreter; import it in the main interpreter"
    )
