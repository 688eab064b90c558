from __future__ import annotations

import pytest

from tests.support.secure import House
from tidegate import yamlfile
from tidegate.cli.check_tls import tls_problems


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.pair("shop", "shop.test")
    house.pair("blog", "blog.test")
    return house


@pytest.fixture
def problems(house, tmp_path):
    def found(text):
        path = tmp_path / "static.yaml"
        path.write_text(text.replace("CERTS", str(house.certs)))
        return [
            (problem.code, problem.severity.value, problem.place.removeprefix(f"{tmp_path}/"), problem.mend)
            for problem in tls_problems(yamlfile.load(path.read_text(), str(path)), str(path))
        ]

    return found


def listed(certificate, key):
    return f"tls:\n  certificates:\n    - {{name: x, certificate: CERTS/{certificate}, key: CERTS/{key}}}\n"


def test_a_section_whose_pairs_fit_has_no_problem(problems):
    assert problems(listed("shop.crt", "shop.key")) == []
    assert problems("services: {}\n") == []


@pytest.mark.parametrize(
    ("certificate", "key", "code"),
    [("none.crt", "shop.key", "T1901"), ("shop.crt", "none.key", "T1901"), ("shop.crt", "blog.key", "T1903")],
)
def test_a_pair_that_cannot_serve_is_an_error_with_its_file_and_mend(problems, certificate, key, code):
    ((found, severity, place, mend),) = problems(listed(certificate, key))
    assert (found, severity, place) == (code, "error", f"certs/{certificate}")
    assert mend


def test_an_unreadable_certificate_is_an_error(problems, house):
    (house.certs / "shop.crt").write_text("nonsense")
    assert [found[:3] for found in problems(listed("shop.crt", "shop.key"))] == [("T1902", "error", "certs/shop.crt")]


@pytest.mark.parametrize("name", ["min_version", "minimum_version", "protocols"])
def test_a_version_of_tls_cannot_be_asked_for_and_the_mend_says_so(problems, name):
    ((code, severity, place, mend),) = problems(f"tls:\n  {name}: '1.0'\n")
    assert (code, severity, place) == ("T1909", "error", "static.yaml:2")
    assert "TLS 1.2" in mend


def test_another_unknown_name_has_its_line(problems):
    ((code, _, place, mend),) = problems("tls:\n  defualt: shop\n")
    assert (code, place, "default" in mend) == ("T1909", "static.yaml:2", True)


def test_a_default_that_lies_in_a_folder_of_the_program_is_no_mistake_of_the_file(problems):
    assert problems("tls:\n  default: elsewhere\n") == []
