"""Procedures that need more output now and then, run blocking or under an event loop.

They are generators: each ``yield`` asks for more, and is answered by False at the end of the
output. So the logic stands once, and only the waiting differs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from process_manager.errors import TimedOut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from datetime import timedelta

Result = TypeVar("Result")


def seconds(timeout: float | timedelta | None) -> float | None:
    """A timeout as a number."""
    if timeout is None or isinstance(timeout, int | float):
        return timeout
    return timeout.total_seconds()


def blocking(
    steps: Generator[None, bool, Result],
    more: Callable[[float | None], bool | None],
    timeout: float | timedelta | None,
    what: str,
) -> Result:
    """Runs the steps; ``more`` gets the seconds left and answers None when they are over."""
    limit = seconds(timeout)
    deadline = None if limit is None else time.monotonic() + limit
    try:
        next(steps)
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            answer = more(left)
            if answer is None:
                raise TimedOut(f"{what}: not within {limit:g} s")
            steps.send(answer)
    except StopIteration as done:
        result: Result = done.value
        return result


async def under_loop(
    steps: Generator[None, bool, Result], more: Callable[[], Awaitable[bool]]
) -> Result:
    """Runs the steps under an event loop."""
    try:
        next(steps)
        while True:
            steps.send(await more())
    except StopIteration as done:
        result: Result = done.value
        return result
