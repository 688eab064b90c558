"""Prepared answers by question, and which names each hangs on, so that a change forgets exactly what it touched."""

from __future__ import annotations

from collections import OrderedDict

from tidegate.dns.answer import Answer
from tidegate.dns.sheet import Sheet

MAX_ANSWERS = 65536  # some 60 MB at worst; reached only by a flood of made-up names, and then the oldest goes

STRUCTURE = b""  # what an answer hangs on when it depends on which names exist at all: denials, wildcards


class Memo:
    """`answers` by question: name in lower case, type and class, as one string in wire form, itself in lower case.

    Types 65..90 share their key with 97..122. We hold no data of any of these, so what both get is the same denial.
    No call costs more for what else is kept, but `forget`, which costs what it forgets.
    """

    def __init__(self, limit: int = MAX_ANSWERS, sheet: Sheet | None = None) -> None:
        self.answers: dict[bytes, Answer] = {}
        self._names: OrderedDict[bytes, tuple[bytes, ...]] = OrderedDict()  # question -> what its answer hangs on
        self._hanging: dict[bytes, dict[bytes, None]] = {}  # name -> questions whose answers hang on it
        self._sheet = sheet  # has only what is kept here
        self._limit = limit

    def put(self, question: bytes, answer: Answer, names: tuple[bytes, ...]) -> None:
        """Keep `answer`, which hangs on `names`."""
        key = question.lower()
        self._drop(key)
        if len(self.answers) >= self._limit:
            self._drop(next(iter(self._names)))
        self.answers[key] = answer
        self._names[key] = names
        for name in names:
            self._hanging.setdefault(name, {})[key] = None

    def forget(self, name: bytes) -> None:
        """Drop what hangs on `name`."""
        for key in self._hanging.pop(name, ()):
            self._drop(key)

    def _drop(self, key: bytes) -> None:
        self.answers.pop(key, None)
        if self._sheet is not None:
            self._sheet.forget(key)
        for name in self._names.pop(key, ()):
            hanging = self._hanging.get(name)
            if hanging is not None:
                hanging.pop(key, None)
                if not hanging:
                    del self._hanging[name]
