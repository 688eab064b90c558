import re
from pathlib import Path

from tidegate.control.helps import HELPS

ROW = re.compile(r"^\| `(tidegate_\w+)` \| \w+ \| [^|]*\| (.+?) \|$", re.MULTILINE)


def test_each_metric_of_the_page_has_its_sentence():
    page = Path(__file__).parents[2].joinpath("docs", "metrics.md").read_text("utf-8")
    described = {name: sentence.replace("`", "") for name, sentence in ROW.findall(page)}
    own = {
        name: sentence
        for name, sentence in described.items()
        if not re.match(r"tidegate_router_(route|service|endpoint)_", name)
    }
    assert {name: sentence.lower() for name, sentence in HELPS.items()} == {
        name: f"{text}.".lower() for name, text in own.items()
    }
