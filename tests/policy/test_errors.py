from __future__ import annotations

import ast
import re

from tests.support.tree import ROOT, parsed, sources

CODE = re.compile(r"T\d{4}")
PAGES = ROOT / "docs" / "errors"


def codes_in_sources():
    """Every string that is exactly a code, with where it stands."""
    return {
        node.value: f"{path}:{node.lineno}"
        for path in sources()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }


def pages():
    return {path.stem: path.read_text("utf-8") for path in PAGES.glob("T*.md")}


def test_every_code_has_a_page():
    used, known = codes_in_sources(), pages()
    assert not {code: place for code, place in used.items() if code not in known}


def test_every_page_has_a_code():
    assert not set(pages()) - set(codes_in_sources())


def test_a_page_is_titled_by_its_code_and_shows_an_example():
    poor = [
        code
        for code, page in pages().items()
        if not page.startswith(f"# {code} ") or not ("```" in page or f"[{code}]" in page)
    ]
    assert not poor
