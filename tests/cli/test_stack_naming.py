from __future__ import annotations

import pytest

from tidegate.cli.stack_naming import find_logged, find_member, find_stack
from tidegate.errors import NoSuchThing, TidegateError


class Admin:
    def get(self, path):
        assert path == "/v1/stacks"
        return {"stacks": [{"name": "shop", "names": ["web", "db"]}, {"name": "blog", "names": ["web"]}]}


def test_a_service_is_named_by_its_key_or_where_only_one_stack_has_it_by_itself():
    assert find_stack(Admin(), "blog") == "blog"
    assert find_member(Admin(), "blog/web") == ("blog", "web")
    assert find_member(Admin(), "db") == ("shop", "db")


def test_what_is_not_clear_or_not_there_is_told():
    with pytest.raises(TidegateError, match="blog/web, shop/web"):
        find_member(Admin(), "web")
    for find, name in ((find_stack, "shopp"), (find_member, "shop/dp")):
        with pytest.raises(NoSuchThing, match="did you mean"):
            find(Admin(), name)


def test_logs_may_be_asked_of_a_whole_stack_but_a_service_goes_before_a_stack_of_its_name():
    assert find_logged(Admin(), "shop") == ("shop", "")
    assert find_logged(Admin(), "db") == ("shop", "db")
    assert find_logged(Admin(), "blog/web") == ("blog", "web")
    with pytest.raises(NoSuchThing, match=r"no stack and no service shopp[\s\S]*did you mean shop\?"):
        find_logged(Admin(), "shopp")
