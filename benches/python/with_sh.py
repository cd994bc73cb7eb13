"""The peer sh."""

from __future__ import annotations

import sh
from contender import Blocking, check_said
from serve import TINY


class Sh(Blocking):
    def __init__(self) -> None:
        self.tiny = sh.Command(TINY)

    async def start_and_reap(self) -> None:
        """sh.Command(...)("say", _tty_out=False, _return_cmd=True)"""
        done = self.tiny("say", _tty_out=False, _return_cmd=True)
        check_said(done.exit_code, done.stdout, done.stderr)
