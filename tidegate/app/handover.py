"""How a running program becomes its next generation: it re-executes itself, and keeps its pid, sockets and children.

In three steps, so that nothing wrong on disk can take down what runs:

1. a *trial*: the command that started us, run beside us by the code and with the settings that are on disk now. It is
   told our sockets, says what is wrong, or writes down the settings that it accepted;
2. *exec*: we become that code with those settings; what we hold is described in a memory file (`Handover`);
3. the new image adopts sockets and children, and replaces these one by one (`supervisor`).

Signals that come between exec and the new handlers are blocked, and wait.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, MutableMapping

from msgspec import DecodeError, Struct, msgpack, structs

from tidegate.app.limits import fitted
from tidegate.app.logs import check_logs
from tidegate.app.sockets import Inherited, Kept, bind_rest, close_all
from tidegate.config import HANDOVER_VARIABLE, Config
from tidegate.discovery.file import check_file
from tidegate.errors import ConfigError, Problem, Severity
from tidegate.router.errorpages import read_pages
from tidegate.stacks.reader import read_file
from tidegate.telemetry import logger

SIGNALS = frozenset((signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2))
TRIAL_SECONDS = 60.0
_FORM = 1  # of a Handover; another one cannot be read
_KEPT = "what runs goes on as it is"
_log = logger("handover")


class Left(Struct, frozen=True, kw_only=True):
    """A child that the next generation finds. `due` is when a retired one must be gone, 0 for one in its slot."""

    name: str
    pid: int
    pulse: int
    serves: bool = True
    due: float = 0.0


class Handover(Struct, frozen=True, kw_only=True):
    """What goes from one generation to the next. Descriptors are numbers, the same before and after exec."""

    form: int = _FORM
    trial: int = -1  # a memory file for the accepted settings: the receiver is a trial
    settings: bytes = b""  # a Config, as the trial wrote it
    folder: str
    lock: int
    sockets: tuple[Kept, ...]
    children: tuple[Left, ...] = ()

    def config(self) -> Config:
        """The settings to run by."""
        return msgpack.decode(self.settings, type=Config)


def inherited(environ: MutableMapping[str, str]) -> Handover:
    """What the generation before left us, taken out of the environment. Raises ConfigError if it cannot be read."""
    try:
        with os.fdopen(int(environ.pop(HANDOVER_VARIABLE)), "rb") as memory:
            handover = msgpack.decode(memory.read(), type=Handover)
    except (OSError, ValueError, DecodeError) as error:
        raise ConfigError(_needs_restart("what the running version hands over cannot be read", str(error))) from error
    if handover.form != _FORM:
        raise ConfigError(_needs_restart("what the running version hands over is of another form", ""))
    return handover


def accept(gather: Callable[[], Config], handover: Handover) -> int:
    """The trial: write down the settings if a running program can go over to them; the exit code. Raises ConfigError
    with everything that stands against it."""
    try:
        return _accept(gather(), handover)
    except ConfigError as error:  # who said so knows of starts only
        raise ConfigError(*(structs.replace(problem, kept=_KEPT) for problem in error.problems)) from None


def _accept(config: Config, handover: Handover) -> int:
    fitted(config)
    check_logs(config)
    read_pages(config.http.error_pages)
    problems = [*_fixed(config, handover), *_files(config)]
    if not problems:
        bound, problems = bind_rest(config, Inherited(handover.sockets))
        close_all(bound)
    if problems:
        raise ConfigError(*problems)
    os.write(handover.trial, msgpack.encode(config))
    return 0


async def accepted(handover: Handover) -> bytes | None:
    """Run the trial: the settings that the code on disk accepted, or None, with what it said in the log."""
    result = os.memfd_create("tidegate-settings", 0)
    memory = _written(structs.replace(handover, trial=result))
    try:
        code, said = await _tried((memory, result, *(each.descriptor for each in handover.sockets)), memory)
        settings = os.pread(result, 1 << 24, 0)
    finally:
        os.close(memory)
        os.close(result)
    if code == 0 and settings:
        if said:
            _log.warning("%s", said)
        return settings
    _log.error("reload refused, what runs goes on as it is: %s", said or f"the trial ended with {code}")
    return None


def become(handover: Handover) -> None:
    """Execute the code on disk in our place. Returns, with a line in the log, only if it cannot be executed."""
    memory = _written(handover)
    left = [descriptor for each in handover.children if (descriptor := each.pulse) >= 0]
    for descriptor in (memory, handover.lock, *left, *(each.descriptor for each in handover.sockets)):
        os.set_inheritable(descriptor, True)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        os.execve(sys.executable, _command(), {**os.environ, HANDOVER_VARIABLE: str(memory)})  # noqa: S606  our own interpreter
    except OSError as error:
        os.close(memory)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        _log.error("cannot be executed, what runs goes on as it is: %s", error)


def _command() -> list[str]:
    """The command line that started us, word by word."""
    return [sys.executable, *sys.orig_argv[1:]]


def _written(handover: Handover) -> int:
    memory = os.memfd_create("tidegate-handover", 0)
    os.write(memory, msgpack.encode(handover))
    os.lseek(memory, 0, os.SEEK_SET)
    return memory


async def _tried(descriptors: tuple[int, ...], memory: int) -> tuple[int | None, str]:
    """Exit code of the trial (None: it took too long) and what it wrote to standard error."""
    child = await asyncio.create_subprocess_exec(
        *_command(),
        pass_fds=descriptors,
        env={**os.environ, HANDOVER_VARIABLE: str(memory)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TRIAL_SECONDS):
            _, said = await child.communicate()
    except TimeoutError:
        return None, f"the trial did not end within {TRIAL_SECONDS:g} s"
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return child.returncode, said.decode(errors="replace").strip()


def _fixed(config: Config, handover: Handover) -> list[Problem]:
    """Settings that a running program cannot change."""
    problems = []
    if config.state.folder != handover.folder:
        problems.append(_needs_restart("another state folder needs a restart", f"now it is {handover.folder}"))
    if config.workers == 0:
        problems.append(_needs_restart("going over to one process needs a restart", "workers is 0"))
    return problems


def _files(config: Config) -> list[Problem]:
    """What is wrong with the files that the settings name: a new generation has no last good content of them."""
    problems: list[Problem] = []
    for path in config.files:
        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123  a path as the settings name it
                problems.extend(check_file(file.read(), path))
        except (OSError, UnicodeDecodeError) as error:
            cause = getattr(error, "strerror", None) or "it is not UTF-8 text"
            problems.append(
                Problem(code="T1254", text=f"file {path} cannot be read", place=path, cause=cause, kept=_KEPT)
            )
    if config.stack:
        problems.extend(read_file(config.stack).errors)
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def _needs_restart(text: str, cause: str) -> Problem:
    return Problem(code="T1016", text=text, cause=cause, mend="stop it and start it again", kept=_KEPT)
