"""What the contenders have in common."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any


class Blocking:
    """A contender without an event loop: its coroutines never wait."""

    def under_loop(self, work: Callable[..., Coroutine[Any, Any, list[float]]], *args: Any) -> Any:
        coroutine = work(*args)
        try:
            coroutine.send(None)
        except StopIteration as result:
            return result.value
        raise RuntimeError("it waited for a loop")


def check_said(code: int | None, stdout: bytes, stderr: bytes) -> None:
    if (code, stdout, stderr) != (0, b"tiny\n", b""):
        raise ValueError(f"code {code}, output {stdout!r}, {stderr!r}")


def check_end(code: int | None, stderr: bytes | str = b"") -> None:
    """Where both outputs come as one, what a child says on the other one is counted anyway."""
    if code != 0 or stderr:
        raise ValueError(f"code {code}, {stderr!r}")
