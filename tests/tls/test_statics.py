from __future__ import annotations

import pytest

from tidegate import yamlfile
from tidegate.policy import ClientCertificates
from tidegate.tls.files import PairFiles
from tidegate.tls.statics import Section, read_section

GOOD = """
tls:
  default: shop
  certificates:
    - {name: shop, certificate: /etc/tls/shop.crt, key: /etc/tls/shop.key}
    - certificate: /etc/tls/all.in.one.pem
  clients:
    Admin.Shop.test: {authority: staff}
    "*.part.test": {authority: partners, required: false}
"""


def read(text):
    return read_section(yamlfile.load(text, "t.yaml"))


def test_a_section_names_pairs_the_default_and_what_clients_must_show():
    section, problems = read(GOOD)
    assert not problems
    assert section == Section(
        default="shop",
        pairs=(
            PairFiles(name="shop", chain="/etc/tls/shop.crt", key="/etc/tls/shop.key"),
            PairFiles(name="all", chain="/etc/tls/all.in.one.pem"),
        ),
        clients={
            "admin.shop.test": ClientCertificates(authority="staff"),
            "*.part.test": ClientCertificates(authority="partners", required=False),
        },
    )


@pytest.mark.parametrize("text", ["", "services: {}", "tls:", "- a list"])
def test_a_file_without_the_section_says_nothing(text):
    assert read(text) == (Section(), ())


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("tls: [1]", ["t.yaml:1"]),
        ("tls:\n  defualt: x", ["t.yaml:2"]),
        ("tls:\n  certificates: {}\n  clients: []", []),
        ("tls:\n  certificates: 7", ["t.yaml:2"]),
        ("tls:\n  certificates:\n    - {key: /k}\n    - {certificate: 5}", ["t.yaml:3", "t.yaml:4"]),
        ("tls:\n  clients:\n    a.test: {authority: staff, required: maybe}\n    b.test: {}", ["t.yaml:3", "t.yaml:4"]),
    ],
)
def test_every_fault_is_named_with_its_line(text, places):
    _, problems = read(text)
    assert [problem.place for problem in problems] == places
    assert {problem.code for problem in problems} <= {"T1909"}
