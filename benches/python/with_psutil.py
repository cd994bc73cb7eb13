"""The peer psutil."""

from __future__ import annotations

import psutil
from contender import Blocking, check_said
from serve import TINY
from standard import PIPES


class Psutil(Blocking):
    async def start_and_reap(self) -> None:
        """psutil.Popen(...).communicate()"""
        process = psutil.Popen([TINY, "say"], **PIPES)
        stdout, stderr = process.communicate()
        check_said(process.returncode, stdout, stderr)
