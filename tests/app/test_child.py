from __future__ import annotations

import asyncio
import os
import signal

import pytest

from tests.support.cli import ROOT, environment
from tidegate.app.child import _errors
from tidegate.app.launch import Launch, command
from tidegate.config import Config, StateConfig
from tidegate.errors import ConfigError, EngineError, Problem


def fault(kind, code):
    return kind(Problem(code=code, text="fault"))


def test_all_faults_of_a_nested_group_are_told():
    inner = BaseExceptionGroup("inner", [fault(EngineError, "T1101")])
    group = BaseExceptionGroup("outer", [fault(ConfigError, "T1010"), inner])
    assert [error.problems[0].code for error in _errors(group)] == ["T1010", "T1101"]


@pytest.mark.parametrize("role", ["control"])
async def test_a_fault_of_the_operator_ends_a_child_with_its_message_and_no_trace(tmp_path, role):
    (tmp_path / "store.sqlite").mkdir()  # no file can be opened there
    argv, memory = command(role, Launch(config=Config(state=StateConfig(folder=str(tmp_path))), parent=os.getpid()))
    try:
        child = await asyncio.create_subprocess_exec(
            *argv, pass_fds=(memory,), stderr=asyncio.subprocess.PIPE, cwd=ROOT, env=environment()
        )
    finally:
        os.close(memory)
    async with asyncio.timeout(30):
        _, said = await child.communicate()
    assert child.returncode == 1
    assert b"T15" in said
    assert b"Traceback" not in said


async def test_a_child_whose_parent_is_gone_already_ends(tmp_path):
    argv, memory = command("worker", Launch(config=Config(state=StateConfig(folder=str(tmp_path))), parent=1))
    try:
        child = await asyncio.create_subprocess_exec(*argv, pass_fds=(memory,), cwd=ROOT, env=environment())
    finally:
        os.close(memory)
    async with asyncio.timeout(30):
        assert await child.wait() == -signal.SIGTERM
