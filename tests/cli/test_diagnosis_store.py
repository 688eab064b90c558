from __future__ import annotations

from msgspec import structs

from tidegate.cli import diagnosis_store
from tidegate.cli.diagnosis import BROKEN, OK, WARNING
from tidegate.cli.diagnosis_store import examine_store
from tidegate.config import StateConfig
from tidegate.store import session


def test_sqlite_is_the_state_folders_business():
    assert list(examine_store(StateConfig())) == []


def test_each_member_is_asked_by_itself(etcd_member, monkeypatch):
    monkeypatch.setattr(diagnosis_store, "MEMBER_SECONDS", 0.5)
    address = etcd_member.address()
    address = structs.replace(address, members=("127.0.0.1:1", *address.members))
    gone, there, whole = examine_store(StateConfig(store=address.url()))
    assert (gone.state, there.state, whole.state) == (WARNING, OK, OK)
    assert "refused" in gone.text
    assert there.text.startswith("etcd 3.")
    assert whole.text == f"{address}: 0 entries"


def test_a_store_that_cannot_be_reached_is_broken(monkeypatch):
    monkeypatch.setattr(session, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(diagnosis_store, "MEMBER_SECONDS", 0.3)
    *_, whole = examine_store(StateConfig(store="etcd://127.0.0.1:1"))
    assert whole.state == BROKEN
    assert "cannot be reached" in whole.text
    assert whole.mend


def test_a_file_that_is_missing_is_broken():
    (finding,) = examine_store(StateConfig(store="etcd://127.0.0.1:1?ca=/nowhere/ca.pem"))
    assert finding.state == BROKEN
