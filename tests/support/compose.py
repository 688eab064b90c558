"""Compose files written in a test, read."""

from __future__ import annotations

import textwrap

from tidegate.stacks.reader import read


def compose(text, **more):
    """The file `compose.yaml` in /srv/shop; `files` maps paths to the texts of others."""
    files = more.pop("files", {})

    def read_text(path):
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return files[path]

    options = {"project": "shop", "folder": "/srv/shop", "variables": {"TAG": "2"}, "read_text": read_text, **more}
    return read(textwrap.dedent(text), "compose.yaml", **options)


def service(text, top="", **more):
    """The service `web` of a file that is right: `text` are its keys beside the image."""
    keys = textwrap.indent(textwrap.dedent(text), "    ")
    file = compose(f"services:\n  web:\n    image: x\n{keys}\n{textwrap.dedent(top)}", **more)
    assert file.errors == (), file.errors
    return file.service("web")


def spec(text, top="", **more):
    """Its template, where nothing at all is wrong."""
    return service(text, top, **more).template


def faults(text, top="", **more):
    """(code, line within `text`, counted from 1) of what is wrong with these keys of a service."""
    keys = textwrap.indent(textwrap.dedent(text), "    ")
    file = compose(f"services:\n  web:\n    image: x\n{keys}\n{textwrap.dedent(top)}", **more)
    return [(problem.code, int(problem.place.rpartition(":")[2]) - 3) for problem in file.problems]


def codes(file):
    """(code, place, severity) of everything that is wrong with a file."""
    return [(problem.code, problem.place, problem.severity.value) for problem in file.problems]
