"""Passes what the core logs on to the ``logging`` module, logger "process_manager".

The core's threads only keep the records; a Python thread that is here anyway hands them over.
"""

from __future__ import annotations

import sys

from process_manager import _core


def drain() -> None:
    """Hands over what was logged. A program that does not use logging pays nothing."""
    logging = sys.modules.get("logging")
    if logging is None:
        return
    logger = logging.getLogger("process_manager")
    for level, text in _core.take_logs(logger.getEffectiveLevel()):
        logger.log(level, "%s", text)
