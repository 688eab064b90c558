"""Entry of the `tidegate` command: finds the verb, runs it, turns every fault into a message and an exit code.

Starting must stay cheap: this file and what it imports load neither a verb nor any library a verb may want.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from tidegate.cli.session import Session, talking
from tidegate.cli.verbs import GROUPS, VERBS


class _ReaderLeft(Exception):
    """The other end of our standard output was closed."""


class Root(click.Group):
    """The group of all verbs; each is imported when it is called, never to list it."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would make exit code 1 of it
            raise _ReaderLeft from None

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        command = getattr(importlib.import_module(f"tidegate.cli.{verb.module}"), verb.attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from tidegate.cli.faults import did_you_mean, usage  # noqa: PLC0415  only a mistake pays for it

            mend = did_you_mean(args[0], VERBS) or "tidegate --help lists the verbs"
            raise usage(f"there is no verb {args[0]}", mend=mend, code="T1701")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for title, verbs in GROUPS:
            with formatter.section(title):
                formatter.write_dl([(verb.name, verb.help) for verb in verbs])


@click.group(cls=Root, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@talking
@click.option("--version", is_flag=True, help="Print the version.")
@click.pass_context
def cli(context: click.Context, version: bool) -> None:
    """Tidegate routes, names and releases the containers of a Docker host.

    Without a verb it shows the status. Results go to standard output, messages to standard error; `tidegate help CODE`
    explains an error.
    """
    if version:
        context.invoke(VERB_ROOT.get_command(context, "version"))
        context.exit(0)
    if context.invoked_subcommand is None:
        context.invoke(VERB_ROOT.get_command(context, "status"))


VERB_ROOT: Any = cli


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Run one command; the exit code. Only our own bugs leave a traceback."""
    session = Session()
    session.json = "--json" in arguments  # a usage error must know the form before the line is understood
    try:
        result = cli.main(arguments, prog_name="tidegate", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except (_ReaderLeft, BrokenPipeError):
        return _reader_left()
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as error:
        return _usage_error(session, error)
    except Exception as error:
        from tidegate.errors import TidegateError  # noqa: PLC0415  only a fault pays for it

        if not isinstance(error, TidegateError):
            raise
        return _fault(session, error, arguments)
    return result if isinstance(result, int) else 0


def _fault(session: Session, error: Any, arguments: list[str]) -> int:
    from tidegate.cli.output import report  # noqa: PLC0415  only a fault pays for it

    verb = next((word for word in arguments if word in VERBS), "tidegate")
    report(session, verb, error.problems)
    return int(error.exit_code)


def _usage_error(session: Session, error: click.ClickException) -> int:
    from tidegate.cli.faults import did_you_mean, usage  # noqa: PLC0415  only a mistake pays for it

    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tidegate"
    if isinstance(error, click.NoSuchOption) and context is not None:
        known = [name for parameter in context.command.params for name in (*parameter.opts, *parameter.secondary_opts)]
        mend = did_you_mean(error.option_name, known) or f"{path} --help lists the options"
        fault = usage(f"{path} has no option {error.option_name}", mend=mend, code="T1702")
    else:
        text = error.format_message().rstrip(".")
        fault = usage(text[:1].lower() + text[1:], mend=f"{path} --help shows how it is called")
    return _fault(session, fault, path.split()[1:])


def _reader_left() -> int:
    """The other end of our pipe has what it wanted; keep the interpreter from complaining at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
