"""Starting through the real sudo."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
import sudo_user
from sudo_user import PASSWORD, User

import process_manager as pm


def skip_without_users() -> None:
    why = sudo_user.missing() or (
        None if sudo_user.reachable() else "this Python is out of other users' reach"
    )
    if why is not None:
        pytest.skip(f"skipped: {why}")


@pytest.fixture(scope="module")
def person() -> Iterator[User]:
    """A user who may do everything with a password."""
    skip_without_users()
    with sudo_user.user() as person:
        yield person


START = """
with pm.ProcessManager() as manager:
    sudo = pm.SudoOptions({options})
    try:
        process = manager.start(["sh", "-c", "id -u; cat"], stdin="pipe", sudo=sudo)
    except pm.AuthenticationFailed as error:
        print(error.kind, isinstance(error, PermissionError))
    else:
        process.write("hello\\n")
        process.close_stdin()
        print(*process.output(), process.wait(20).code)
{after}
"""


def start(person: User, options: str, before: str = "", after: str = "") -> list[str]:
    return person.run(before + START.format(options=options, after=after)).splitlines()


@pytest.mark.parametrize("given", [repr(PASSWORD), repr(PASSWORD.encode())])
def test_the_right_password_makes_it_root(person: User, given: str) -> None:
    assert start(person, f"password={given}") == ["0 hello 0"]


def test_a_wrong_password_is_rejected_once(person: User) -> None:
    assert start(person, "password='wrong'") == ["password_rejected True"]


def test_without_a_password_it_says_so(person: User) -> None:
    assert start(person, "") == ["no_password True"]
    assert start(person, "password=lambda: None") == ["no_password True"]


def test_a_bytearray_is_wiped_on_request(person: User) -> None:
    before = f"secret = bytearray({PASSWORD.encode()!r})\nleft = bytearray(secret)\n"
    after = "print(set(secret), left == secret)"
    assert start(person, "password=secret, wipe=True", before, after) == ["0 hello 0", "{0} False"]
    assert start(person, "password=secret", before, "print(left == secret)")[1] == "True"
    asked = f"secret = bytearray({PASSWORD.encode()!r})\n"
    assert start(person, "password=lambda: secret, wipe=True", asked, "print(set(secret))") == [
        "0 hello 0",
        "{0}",
    ]


def test_a_function_is_asked_once_on_the_starting_thread(person: User) -> None:
    before = (
        "calls = []\n"
        f"def ask(): calls.append(threading.current_thread().name); return {PASSWORD!r}\n"
    )
    assert start(person, "password=ask", before, "print(calls)") == ["0 hello 0", "['MainThread']"]


def test_what_the_function_raises_comes_out(person: User) -> None:
    code = (
        "def ask(): raise LookupError('nothing there')\n"
        "with pm.ProcessManager() as manager:\n"
        "    try: manager.start(['true'], sudo=pm.SudoOptions(password=ask))\n"
        "    except LookupError as error: print(error, manager.processes())\n"
        "    try: manager.start(['true'], sudo=pm.SudoOptions(password=lambda: 5))\n"
        "    except TypeError as error: print('sudo password' in str(error))\n"
    )
    assert person.run(code).splitlines() == ["nothing there []", "True"]


def test_under_asyncio_the_loop_runs_on_while_it_asks(person: User) -> None:
    code = (
        "async def main():\n"
        "    turns = 0\n"
        "    async def ask():\n"
        "        nonlocal turns\n"
        "        for _ in range(10): turns += 1; await asyncio.sleep(0)\n"
        f"        return {PASSWORD!r}\n"
        "    async with pm.ProcessManager() as manager:\n"
        "        sudo = pm.SudoOptions(password=ask)\n"
        "        process = await manager.start_async(['id', '-u'], sudo=sudo)\n"
        "        print([line async for line in process.output()], turns)\n"
        "        print((await manager.run_async(['id', '-un'], sudo=sudo, check=True)).stdout)\n"
        "        try: manager.start(['true'], sudo=sudo)\n"
        "        except TypeError as error: print('start_async' in str(error))\n"
        "asyncio.run(main())\n"
    )
    assert person.run(code).splitlines() == ["['0'] 10", "root", "", "True"]


def test_cancelled_while_it_asks_it_starts_nothing(person: User) -> None:
    code = (
        "async def main():\n"
        "    asked = asyncio.Event()\n"
        "    async def ask():\n"
        "        asked.set()\n"
        "        await asyncio.sleep(60)\n"
        "    async with pm.ProcessManager() as manager:\n"
        "        sudo = pm.SudoOptions(password=ask)\n"
        "        task = asyncio.ensure_future(manager.start_async(['true'], sudo=sudo))\n"
        "        await asked.wait()\n"
        "        task.cancel()\n"
        "        try: await task\n"
        "        except asyncio.CancelledError: print('cancelled')\n"
        "        print(manager.running())\n"
        "asyncio.run(main())\n"
    )
    assert person.run(code).splitlines() == ["cancelled", "[]"]


def test_ctrl_c_is_answered_while_sudo_waits() -> None:
    """An expired password has sudo ask on, until 60 s are over: far more than an answer takes."""
    skip_without_users()
    code = (
        "import signal\n"
        "def ask():\n"
        "    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        f"    return {PASSWORD!r}\n"
        "with pm.ProcessManager() as manager:\n"
        "    began = time.monotonic()\n"
        "    try: manager.start(['true'], sudo=pm.SudoOptions(password=ask, timeout=60))\n"
        "    except KeyboardInterrupt: print('answered', time.monotonic() - began < 30)\n"
        "    except pm.AuthenticationFailed as error: print(error.kind)\n"
    )
    with sudo_user.user(number=2) as person:
        person.expire()
        assert person.run(code) == "answered True\n"


def test_run_takes_it_too(person: User) -> None:
    code = (
        f"sudo = pm.SudoOptions(password={PASSWORD!r})\n"
        "print(pm.run(['id', '-u'], sudo=sudo).stdout, end='')\n"
        f"sudo = pm.SudoOptions('nobody', password={PASSWORD.encode()!r})\n"
        "print(pm.run(['id', '-un'], sudo=sudo).stdout)"
    )
    assert person.run(code).splitlines() == ["0", "nobody", ""]


def test_another_user_and_group_without_a_question(manager: pm.ProcessManager) -> None:
    if (why := sudo_user.missing()) is not None:
        pytest.skip(f"skipped: {why}")
    done = manager.run(["id"], sudo=pm.SudoOptions("nobody", group="nogroup"), check=True)
    assert "(nobody)" in done.stdout
    assert "(nogroup)" in done.stdout
    done = manager.run(["id", "-u"], sudo=pm.SudoOptions(65534), check=True)
    assert done.stdout == "65534\n"


def test_only_the_variables_that_are_named_are_seen(
    manager: pm.ProcessManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (why := sudo_user.missing()) is not None:
        pytest.skip(f"skipped: {why}")
    monkeypatch.setenv("PM_ONE", "1")
    monkeypatch.setenv("PM_TWO", "2")
    show = ["sh", "-c", "echo ${PM_ONE-none} ${PM_TWO-none}"]
    assert manager.run(show, sudo=pm.SudoOptions("nobody")).stdout == "1 2\n"
    named = pm.SudoOptions("nobody", preserve_env=["PM_TWO"])
    assert manager.run(show, sudo=named).stdout == "none 2\n"
    with pytest.raises(TypeError, match="preserve_env"):
        manager.run(show, sudo=pm.SudoOptions("nobody", preserve_env=[1]))  # type: ignore[list-item]


def test_in_direct_mode_sudo_starts_the_command_itself(manager: pm.ProcessManager) -> None:
    if (why := sudo_user.missing()) is not None:
        pytest.skip(f"skipped: {why}")
    done = manager.run(["/usr/bin/id", "-un"], sudo=pm.SudoOptions("nobody", mode="direct"))
    assert done.stdout == "nobody\n"


def test_direct_mode_starts_named_commands_only() -> None:
    skip_without_users()
    code = (
        f"sudo = pm.SudoOptions(password={PASSWORD!r}, mode=pm.SudoMode.DIRECT)\n"
        "print(pm.run(['/usr/bin/id', '-u'], sudo=sudo).stdout, end='')\n"
        "try: pm.run(['/usr/bin/true'], sudo=sudo, check=True)\n"
        "except pm.ProcessError as error: print('refused')\n"
    )
    with sudo_user.user("USER ALL=(ALL:ALL) /usr/bin/id", number=1) as person:
        assert person.run(code).splitlines() == ["0", "refused"]


def test_a_host_that_is_the_user_needs_no_sudo(manager: pm.ProcessManager) -> None:
    sudo = pm.SudoOptions(os.geteuid(), password="unused")
    assert manager.run(["echo", "x"], sudo=sudo).stdout == "x\n"

    async def main() -> str:
        return (await manager.run_async(["echo", "x"], sudo=sudo)).stdout

    assert asyncio.run(main()) == "x\n"


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"user": "no-such-user-anywhere"}, pm.InvalidArgument, "sudo user"),
        ({"user": "-x"}, pm.InvalidArgument, "sudo user"),
        ({"user": "a\0b"}, pm.InvalidArgument, "sudo user"),
        ({"user": 1.5}, TypeError, "sudo user"),
        ({"user": "nobody", "group": b"x"}, TypeError, "sudo group"),
        ({"user": "nobody", "password": 5}, TypeError, "sudo password"),
        ({"user": "nobody", "password": "a\nb"}, pm.InvalidArgument, "password"),
        ({"user": "nobody", "password": b"a\0b"}, pm.InvalidArgument, "password"),
        ({"user": "nobody", "password": "x" * 512}, pm.InvalidArgument, "password"),
        ({"user": "nobody", "mode": "other"}, pm.InvalidArgument, "sudo mode"),
        ({"user": "nobody", "mode": 1}, TypeError, "sudo mode"),
        ({"user": "nobody", "preserve_env": ["A=B"]}, pm.InvalidArgument, "="),
        ({"user": "nobody", "timeout": -1}, pm.InvalidArgument, "sudo timeout"),
        ({"user": "nobody", "timeout": "soon"}, TypeError, "sudo timeout"),
        ({"user": "nobody", "password": "x", "wipe": True}, pm.InvalidArgument, "wiped"),
    ],
)
def test_bad_options_are_named(
    manager: pm.ProcessManager, options: dict[str, object], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        manager.start(["true"], sudo=pm.SudoOptions(**options))  # type: ignore[arg-type]
    assert manager.processes() == []


def test_the_password_is_not_shown() -> None:
    options = pm.SudoOptions("nobody", group="x", password="hunter2")
    assert repr(options) == "SudoOptions('nobody', group='x')"
    error = pm.AuthenticationFailed("no", kind="password_rejected", stderr="Sorry")
    assert (error.kind, error.stderr) == (pm.SudoErrorKind.PASSWORD_REJECTED, "Sorry")
    assert pm.SudoErrorKind("something_new") is pm.SudoErrorKind.OTHER
