from tidegate.discovery.complaints import Complaints
from tidegate.errors import Severity


def test_problems_are_kept_in_order_with_their_place():
    complaints = Complaints(lambda at: f"here:{at}")
    complaints.error("T1202", "a", "bad", mend="mend it")
    complaints.warning("T1204", "b", "odd")
    assert [(each.code, each.place, each.severity) for each in complaints.problems] == [
        ("T1202", "here:a", Severity.ERROR),
        ("T1204", "here:b", Severity.WARNING),
    ]
