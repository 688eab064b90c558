from xml.etree import ElementTree as ET

from bench.macro.timeline import Chart, Curve, svg


def test_curves_are_drawn_within_their_panels():
    curve = Curve(name="a", points=((0.0, 1.0), (10.0, 3.0), (20.0, 99.0)), steps=True)
    drawn = svg("A & B", 20.0, [Chart(title="x", curves=(curve,), top=4.0, marks=((2.0, "two"),))])
    picture = ET.fromstring(drawn)
    (path,) = picture.iter("{http://www.w3.org/2000/svg}path")
    assert path.attrib["d"].count("H") == 2
    heights = [
        float(each.split()[-1])
        for each in path.attrib["d"].replace("M", "L").split("L")[1:]
        if " " in each.strip() and "H" not in each
    ]
    assert all(0 < each < 200 for each in heights)
    assert "two" in drawn
    assert "A &amp; B" in drawn
