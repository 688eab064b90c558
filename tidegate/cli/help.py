"""`tidegate help [VERB|CODE]`: works offline; the pages of the error codes travel in the package."""

from __future__ import annotations

import importlib.resources

import click

from tidegate.cli.faults import did_you_mean
from tidegate.cli.output import emit
from tidegate.cli.session import Session, common
from tidegate.cli.verbs import VERBS
from tidegate.errors import NoSuchThing, Problem


@click.command("help")
@click.argument("topic", default="", metavar="[VERB|CODE|codes]")
@common
@click.pass_context
def help_(context: click.Context, topic: str) -> None:
    """Explain a verb, or an error code such as T1203; `codes` lists the codes."""
    session: Session = context.obj
    text = _text(context, topic)
    emit(session, "help", {"topic": topic, "text": text}, lambda screen: screen.line(text))


def error_pages() -> dict[str, str]:
    """Code -> its page, in order of code. In the source tree the folder is a link to docs/errors."""
    folder = importlib.resources.files("tidegate.cli").joinpath("error_pages")
    found = {file.name.removesuffix(".md"): file for file in folder.iterdir() if file.name.endswith(".md")}
    return {code: found[code].read_text(encoding="utf-8") for code in sorted(found)}


def _text(context: click.Context, topic: str) -> str:
    root = context.parent
    assert root is not None, "help is a verb of the root group"
    if not topic:
        return root.get_help()
    if topic in VERBS:
        group = root.command
        assert isinstance(group, click.Group)
        command = group.get_command(root, topic)
        assert command is not None, "the table of verbs names real commands"
        return command.get_help(click.Context(command, info_name=topic, parent=root))
    pages = error_pages()
    if topic == "codes":
        return "\n".join(page.splitlines()[0].removeprefix("# ") for page in pages.values())
    if topic.upper() in pages:
        return pages[topic.upper()].rstrip()
    mend = did_you_mean(topic.upper(), pages) or did_you_mean(topic, VERBS) or "tidegate help codes lists the codes"
    raise NoSuchThing(Problem(code="T1716", text=f"there is no help on {topic}", mend=mend))
