"""Prepared answers by question, and which names each hangs on, so that a change forgets exactly what it touched."""

from __future__ import annotations

from tidegate.dns.answer import Answer

MAX_ANSWERS = 65536  # some 60 MB at worst; reached only by a flood of made-up names, and then everything is forgotten

STRUCTURE = b""  # what an answer hangs on when it depends on which names exist at all: denials, wildcards


class Memo:
    """`answers` by question: name in lower case, type and class, as one string in wire form, itself in lower case.

    Types 65..90 share their key with 97..122. We hold no data of any of these, so what both get is the same denial.
    """

    def __init__(self, limit: int = MAX_ANSWERS) -> None:
        self.answers: dict[bytes, Answer] = {}
        self._hanging: dict[bytes, list[bytes]] = {}  # name -> questions whose answers hang on it
        self._limit = limit

    def put(self, question: bytes, answer: Answer, names: tuple[bytes, ...]) -> None:
        """Keep `answer`, which hangs on `names`."""
        if len(self.answers) >= self._limit:
            self.answers.clear()
            self._hanging.clear()
        key = question.lower()
        self.answers[key] = answer
        for name in names:
            self._hanging.setdefault(name, []).append(key)

    def forget(self, name: bytes) -> None:
        """Drop what hangs on `name`."""
        for key in self._hanging.pop(name, ()):
            self.answers.pop(key, None)
