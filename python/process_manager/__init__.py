"""Start, stream, watch and stop many child processes, and leave nothing behind.

    import process_manager as pm

    with pm.ProcessManager() as manager:
        manager.extractor.add_binary("my_program", data)
        with manager.start("my_program", ["--arg1", "value"]) as process:
            for line in process.output():
                print(line)
    # leaving the blocks has stopped the tree, waited for it and removed the directory

The same objects work under asyncio: ``async with``, ``async for``, and methods ``..._async``.
Every error is a ProcessError and also the built-in exception that fits (FileNotFoundError,
PermissionError, TimeoutError, ...).
"""

from process_manager import _main_only as _main_only
from process_manager._default import run, run_async
from process_manager.batch import BatchOptions
from process_manager.errors import (
    AuthenticationFailed,
    BadFormat,
    BinaryNotFound,
    CalledProcessError,
    Closed,
    ExtractionFailed,
    Forked,
    InterpreterNotFound,
    InvalidArgument,
    LimitReached,
    NotPermitted,
    OutputEnded,
    ProcessError,
    ProcessNotFound,
    ProgramIsADirectory,
    ProgramNotExecutable,
    ProgramNotFound,
    ResourceLimit,
    RunTimedOut,
    StartFailed,
    StartNotPermitted,
    StdinClosed,
    StopFailed,
    SystemFailure,
    TimedOut,
    Unsupported,
    WorkingDirectoryError,
    WorkingDirectoryNotFound,
)
from process_manager.events import Event, EventKind, Events
from process_manager.manager import BinaryExtractor, ProcessManager
from process_manager.options import Command, CommandOptions
from process_manager.output import Items, Output
from process_manager.pipeline import Pipeline
from process_manager.process import Process
from process_manager.run import CompletedProcess, RunOptions
from process_manager.stream import Stream
from process_manager.sudo import SudoErrorKind, SudoMode, SudoOptions
from process_manager.types import (
    Containment,
    ExitStatus,
    Gap,
    Line,
    ProcessInfo,
    ProcessStatus,
    ResourceUsage,
)
from process_manager.watch import Watch, WatchedOutput

__all__ = [
    "AuthenticationFailed",
    "BadFormat",
    "BatchOptions",
    "BinaryExtractor",
    "BinaryNotFound",
    "CalledProcessError",
    "Closed",
    "Command",
    "CommandOptions",
    "CompletedProcess",
    "Containment",
    "Event",
    "EventKind",
    "Events",
    "ExitStatus",
    "ExtractionFailed",
    "Forked",
    "Gap",
    "InterpreterNotFound",
    "InvalidArgument",
    "Items",
    "LimitReached",
    "Line",
    "NotPermitted",
    "Output",
    "OutputEnded",
    "Pipeline",
    "Process",
    "ProcessError",
    "ProcessInfo",
    "ProcessManager",
    "ProcessNotFound",
    "ProcessStatus",
    "ProgramIsADirectory",
    "ProgramNotExecutable",
    "ProgramNotFound",
    "ResourceLimit",
    "ResourceUsage",
    "RunOptions",
    "RunTimedOut",
    "StartFailed",
    "StartNotPermitted",
    "StdinClosed",
    "StopFailed",
    "Stream",
    "SudoErrorKind",
    "SudoMode",
    "SudoOptions",
    "SystemFailure",
    "TimedOut",
    "Unsupported",
    "Watch",
    "WatchedOutput",
    "WorkingDirectoryError",
    "WorkingDirectoryNotFound",
    "run",
    "run_async",
]
