from __future__ import annotations

import pytest

from tests.support.cli import RECORDED
from tidegate.cli import quota_words
from tidegate.errors import TidegateError

NONE = {"cpus": 0, "memory": 0, "replicas": 0}
(QUOTA,) = RECORDED["GET /v1/quotas"]["quotas"]


def test_what_is_used_stands_beside_what_is_allowed_where_that_is_limited():
    assert quota_words.row(QUOTA) == ("shop", "0.5/4", "1.0/8.0 GiB", "3", "ann", "1970-01-01T00:01:00Z")
    assert quota_words.sentence(QUOTA) == "shop sets aside 0.5/4 CPU, 1.0/8.0 GiB, 3 replicas"


def test_an_account_without_a_quota_says_so():
    bare = {**QUOTA, "limited": False, "allowed": NONE, "who": "", "when": 0.0}
    assert quota_words.row(bare)[1:] == ("0.5", "1.0 GiB", "3", "", "")
    assert quota_words.sentence(bare) == "shop has no quota any more"


@pytest.mark.parametrize(
    ("text", "size"), [("512m", 512 << 20), ("1.5G", 3 << 29), ("8GiB", 8 << 30), ("100", 100), ("1kb", 1024)]
)
def test_a_size_is_read(text, size):
    assert quota_words.size_of(text) == size


@pytest.mark.parametrize("text", ["", "m", "-1g", "1x", "1 g", "much"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(TidegateError):
        quota_words.size_of(text)
