from tidegate.control.document import document
from tidegate.errors import Problem, Severity
from tidegate.model import Address, Backend, Endpoint, HealthState


def test_every_field_is_written_out():
    assert document(Backend(service="web")) == {"service": "web", "version": None, "port": 0, "weight": 100}


def test_values_within_values_become_documents():
    endpoint = Endpoint(
        id="c1:80", instance="c1", name="c1", service="web", port=80, address=Address(host="::1", port=80),
        state=HealthState.HEALTHY,
    )  # fmt: skip
    made = document({"endpoints": (endpoint,), "drained": frozenset({"b", "a"})})
    assert made["endpoints"][0]["address"] == {"host": "::1", "port": 80, "through": ""}
    assert made["endpoints"][0]["state"] == "healthy"
    assert made["drained"] == ["a", "b"]


def test_a_problem_has_its_severity_and_no_empty_fields():
    assert document(Problem(code="T1", text="x", severity=Severity.WARNING)) == {
        "code": "T1", "text": "x", "severity": "warning"
    }  # fmt: skip
