"""Starting as root or as another user."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from process_manager.errors import InvalidArgument
from process_manager.options import BytesLike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from process_manager import _core
    from process_manager._waits import Waits

__all__ = ["SudoErrorKind", "SudoMode", "SudoOptions"]

Secret = str | BytesLike
#: What a function for the password gives.
Answer = Secret | None | Awaitable[Secret | None]


class SudoErrorKind(StrEnum):
    """Why sudo did not start the command: ``AuthenticationFailed.kind``."""

    NOT_FOUND = "not_found"
    """There is no sudo at the trusted places that is root's, setuid, and closed to others."""
    NO_NEW_PRIVILEGES = "no_new_privileges"
    """The host runs with no-new-privileges: no program can become another user."""
    USER_NAMESPACE = "user_namespace"
    """The host is in a user namespace that does not know sudo's owner."""
    NOT_PERMITTED = "not_permitted"
    """Sudo ended without asking for a password."""
    PASSWORD_REJECTED = "password_rejected"
    """The password was wrong. One attempt was used."""
    REFUSED = "refused"
    """Sudo was given the password, took it, and did not start the command: the user may not do
    this. Where only one attempt is allowed (``passwd_tries=1``), a wrong password is told from this
    by the delay of PAM that follows it; with that turned off, it is reported as this."""
    TIMED_OUT = "timed_out"
    """Sudo did neither ask for the password nor start the command in time, or asked for something
    else (an expired password, a second factor)."""
    NO_PASSWORD = "no_password"
    """Sudo asked, and there was none to give."""
    NO_RELAY = "no_relay"
    """What sudo started is not what it was asked to start, or runs as another user."""
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> SudoErrorKind:
        return cls.OTHER


class SudoMode(StrEnum):
    """How sudo is used."""

    RELAY = "relay"
    """Sudo starts a helper of this library, which starts the command: everything works as without
    sudo. The sudoers file must allow any command."""
    DIRECT = "direct"
    """Sudo starts the command itself, for sudoers files that allow only named commands. The
    guarantees are weaker: the process is sudo, which hands on signals that can be caught, to the
    command alone; what runs as the other user cannot be killed, and is named in the error of the
    stop; it can outlive the host; ``preserve_env`` needs ``SETENV`` in sudoers."""


class SudoOptions:
    """Whom to start a command as, and where the password comes from: ``start(..., sudo=...)``.

    A host that is the wanted user already starts the program directly.
    """

    __slots__ = ("_password", "_wipe", "group", "mode", "preserve_env", "timeout", "user")

    def __init__(
        self,
        user: str | int = "root",
        *,
        group: str | int | None = None,
        password: Secret | Callable[[], Answer] | None = None,
        timeout: float | timedelta | None = None,
        mode: SudoMode | Literal["relay", "direct"] = "relay",
        preserve_env: Iterable[str | bytes] | None = None,
        wipe: bool = False,
    ) -> None:
        """``password``: text, bytes, or a function that is called for it, at most once a start,
        on the starting thread (or by its event loop, where it may be a coroutine function), and
        only when sudo really asks; None cancels. With ``wipe`` a ``bytearray`` that holds it is
        overwritten with zeros when the start is over. Sudo may take ``timeout`` seconds, 30 by
        default, the time in which the function is called not counted. ``preserve_env`` names the
        only variables of the host that the command is to see; by default it sees all of them.
        For ``mode`` see SudoMode.

        The core's own copy is in memory that is neither dumped nor inherited, and is wiped. A
        ``str`` or ``bytes`` cannot be wiped: pass a ``bytearray`` for that.
        """
        if wipe and isinstance(password, str | bytes):
            raise InvalidArgument(
                "password: only a bytearray or a writable buffer can be wiped", argument="password"
            )
        self.user = user
        self.group = group
        self.timeout = timeout
        self.mode = mode
        self.preserve_env = None if preserve_env is None else list(preserve_env)
        self._password = password
        self._wipe = wipe

    def __repr__(self) -> str:
        group = "" if self.group is None else f", group={self.group!r}"
        return f"SudoOptions({self.user!r}{group})"

    # ---- for the start -----------------------------------------------------------------------

    def _for_core(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"user": self.user, "group": self.group, "timeout": self.timeout}
        facts |= {"mode": self.mode, "preserve_env": self.preserve_env}
        if callable(self._password):
            facts["ask"] = True
        else:
            facts["password"] = _encoded(self._password)
        return facts

    def _ask(self) -> Answer:
        return self._password() if callable(self._password) else self._password

    def _clean(self, password: Secret | None) -> None:
        if self._wipe and password is not None and not isinstance(password, str | bytes):
            view = memoryview(password).cast("B")
            view[:] = bytes(len(view))


def _encoded(password: Secret | None) -> BytesLike | None:
    return password.encode() if isinstance(password, str) else password


def _given(options: SudoOptions) -> Secret | None:
    return None if callable(options._password) else options._password


def start_blocking(start: _core.SudoStart, options: SudoOptions) -> _core.Process:
    """Sees a start through on this thread."""
    try:
        while start.wait() == "asked":
            answer = options._ask()
            if isinstance(answer, Awaitable):
                if isinstance(answer, Coroutine):
                    answer.close()
                raise TypeError("a password function that is a coroutine needs start_async()")
            try:
                start.answer(_encoded(answer))
            finally:
                options._clean(answer)
        return start.take()
    finally:
        start.give_up()
        options._clean(_given(options))


async def start_under_loop(
    start: _core.SudoStart, options: SudoOptions, waits: Waits
) -> _core.Process:
    """Sees a start through under the running event loop. Cancelled, it gives the start up."""
    try:
        while await waits.ready(start.token, start.poll) == "asked":
            answer = options._ask()
            password = await answer if isinstance(answer, Awaitable) else answer
            try:
                start.answer(_encoded(password))
            finally:
                options._clean(password)
        return start.take()
    finally:
        start.give_up()
        options._clean(_given(options))
