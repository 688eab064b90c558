"""`tidegate completion SHELL`, and the names Tab offers: read from a file the daemon keeps, never asked for."""

from __future__ import annotations

import os

import click
from click.shell_completion import CompletionItem, get_completion_class

from tidegate.cli.output import emit
from tidegate.cli.session import Session, common

MAX_NAMES = 1 << 20  # bytes of the names file that are read


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common
@click.pass_obj
def completion(session: Session, shell: str) -> None:
    """Print the completion script of a shell.

    bash: tidegate completion bash > /etc/bash_completion.d/tidegate;
    zsh: tidegate completion zsh > "${fpath[1]}/_tidegate";
    fish: tidegate completion fish > ~/.config/fish/completions/tidegate.fish.
    """
    from tidegate.cli.main import cli  # noqa: PLC0415  main imports this module by name

    kind = get_completion_class(shell)
    assert kind is not None, "click knows the shells that the argument allows"
    script = _source(kind, cli)
    emit(session, "completion", {"shell": shell, "script": script}, lambda screen: screen.line(script))


def names(*kinds: str, end: str = "") -> click.ParamType:  # type: ignore[type-arg,unused-ignore]  # generic since click 8.4
    """An argument that Tab completes with known names of these kinds (`service`, `route`, `endpoint`, `node`, `stack`, `member` of a stack),
    each with `end` behind it."""
    return _Named(kinds, end)


def known_names(kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    """(kind, name) from `<state>/names`, one `kind<TAB>name` a line; empty where there is no such file."""
    from tidegate.cli.client import state_folder  # noqa: PLC0415  only completing pays for it

    try:
        with (state_folder(os.environ) / "names").open(encoding="utf-8", errors="replace") as file:
            lines = file.read(MAX_NAMES).splitlines()
    except OSError:
        return []
    pairs = [(kind, name) for kind, tab, name in (line.partition("\t") for line in lines) if tab]
    return [(kind, name) for kind, name in pairs if kind in kinds]


class _Named(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.4
    name = "name"

    def __init__(self, kinds: tuple[str, ...], end: str) -> None:
        self._kinds = kinds
        self._end = end

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002  click's signature
        return [
            CompletionItem(name + self._end, help=kind)
            for kind, name in known_names(self._kinds)
            if name.startswith(incomplete)
        ]


def _source(kind: type, root: click.Command) -> str:
    # bash's script would ask the installed bash for its version, which is not there when packaging for another host
    shell = kind(root, {}, "tidegate", "_TIDEGATE_COMPLETE")
    return str(shell.source_template % shell.source_vars())
