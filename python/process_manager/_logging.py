"""Passes what the core logs on to the ``logging`` module, logger "process_manager".

The core's threads only keep the records; a Python thread that is here anyway hands them over.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from process_manager import _core

if TYPE_CHECKING:
    from logging import Logger

#: Looked up once: the module keeps a logger for as long as the program runs.
_logger: Logger | None = None


def drain() -> None:
    """Hands over what was logged. A program that does not use logging pays nothing."""
    global _logger
    if _logger is None:
        logging = sys.modules.get("logging")
        if logging is None:
            return
        _logger = logging.getLogger("process_manager")
    for level, text in _core.take_logs(_logger.getEffectiveLevel()):
        _logger.log(level, "%s", text)
