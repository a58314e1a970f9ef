"""Comparing two texts and two outputs: what passes, and what is caught."""

from decimal import Decimal

import nbformat
import pytest
from nbformat.v4 import new_output

from tools import compare


def problems(stored: str, now: str, *tags: str) -> list[str]:
    return compare.compare_text(stored, now, compare.Tolerance.from_tags(tags)).problems


@pytest.mark.parametrize(
    ("stored", "now"),
    [
        ("recall 0.123", "recall 0.123"),
        ("recall 0.123", "recall 0.124"),
        ("recall 0.123", "recall 0.122"),
        # 0.3 - 0.2 > 0.1 in binary floating point.
        ("0.2", "0.3"),
        ("9.99", "10.00"),
        ("999.9", "1,000.0"),
        ("-.25", "-.26"),
        ("12.3%", "12.4%"),
        ("1.23e-05", "1.24e-05"),
        ("1.00e-04", "9.99e-05"),
        ("1.00e-04", "9.92e-05"),
        ("(1.5+0.0j)", "(1.5-0.0j)"),
        ("0.123s", "0.124s"),
        ("x=0.123", "x=0.124"),
        ("[0.1,0.2]", "[0.1,0.3]"),
        ("0.1-0.2", "0.1-0.3"),
        ("−0.02", "−0.03"),
        ("ends in 0.5.", "ends in 0.6."),
        # A sign that comes or goes moves what is beside it.
        ("-0.00", "0.00"),
        ("+0.001 [-0.001, +0.003]", "-0.000 [-0.002, +0.002]"),
        ("[ 0.01 -0.01]", "[0.01 0.00]"),
        ("[nan  0.00]", "[  nan -0.01]"),
        ("   a     b\n0  0.00  x", "   a    b\n0 -0.01  x"),
        # Digits that are not printed are zeros.
        ("[0.5  0.25]", "[0.5   0.251]"),
        ("[1. 2.]", "[0.99999999 2.        ]"),
        ("nan inf", "nan inf"),
        ("a\n", "a"),
        ("10%\r50%\rdone", "20%\rdone"),
    ],
)
def test_lets_through(stored, now):
    assert problems(stored, now) == []
    assert problems(now, stored) == []


@pytest.mark.parametrize(
    ("stored", "now", "says"),
    [
        ("recall 0.123", "recall 0.125", "0.123 stored, 0.125 now; they differ by 0.002"),
        ("recall 0.123", "recall 0.121", "allowed is 0.001 (one unit of its last printed digit)"),
        ("a 0.1 b 0.5", "a 0.1 b 0.9", "decimal 2: 0.5 stored, 0.9 now"),
        ("0.5\n0.5", "0.5\n0.9", "line 2"),
        ("1.23e-05", "1.25e-05", "1.23e-05 stored"),
        ("1.23e-05", "1.23e-06", "1.23e-05 stored"),
        ("0.05", "-0.05", "differ by 0.1"),
        ("943 people", "944 people", "'943' stored, '944' now"),
        ("1,682", "1,683", "'1,682'"),
        ("-1", "1", "'-1'"),
        ("12%", "13%", "'12%'"),
        ("to 1e-6", "to 1e-5", "'1e-6'"),
        ("007", "7", "'007'"),
        ("holds", "open", "'holds' stored, 'open' now"),
        ("agree: True", "agree: False", "'True' stored, 'False' now"),
        ("a b", "ab", "'a b' stored, 'ab' now"),
        ("v0.5", "v0.6", "'v0.5'"),
        ("2.20.0", "2.20.1", "'2.20.0'"),
        ("nan", "0.1", "'nan'"),
        ("0.1", "inf", "'inf' now"),
        ("[1. 0.]", "[1. 1.]", "no digit behind its point"),
        ("1", "1.0", "'1' stored"),
        ("0.5", "0.57", "allowed is 0.01"),
        ("+0.12", "0.12", "a plus sign"),
        ("0.1 0.2", "0.1", "2 decimals stored, 1 decimal now"),
        ("0.1 0.2", "0.1 0.2 0.3", "2 decimals stored, 3 decimals now"),
        ("a\nb", "a", "2 lines stored, 1 line now"),
        ("a", "a\n\n", "1 line stored, 2 lines now"),
        ("", "a", "0 lines stored, 1 line now"),
    ],
)
def test_catches(stored, now, says):
    found = problems(stored, now)
    assert len(found) == 1
    assert says in found[0]


def test_every_number_that_is_off_is_named():
    found = problems("0.1 0.2 0.3", "0.5 0.2 0.7")
    assert [text.splitlines()[0].split(";")[0] for text in found] == [
        "line 1, decimal 1: 0.1 stored, 0.5 now",
        "line 1, decimal 3: 0.3 stored, 0.7 now",
    ]


def test_tags_give_room_to_decimals_only():
    assert problems("0.50", "0.53", "atol-0.03") == []
    assert "the cell's tag atol" in problems("0.50", "0.54", "atol-0.03")[0]
    assert problems("100.0", "104.9", "rtol-0.05") == []
    assert "the cell's tag rtol" in problems("100.0", "105.1", "rtol-0.05")[0]
    assert problems("0.50", "0.51", "atol-1e-9") == [], "a tag never narrows"
    assert problems("[1. 0.]", "[1. 1.]", "atol-1") == []
    assert problems("5 films", "6 films", "atol-2")
    assert problems("12%", "13%", "rtol-0.5")


@pytest.mark.parametrize("tag", ["atol-", "atol-x", "rtol-0", "atol--1", "atol0.1", "rtol_0.1"])
def test_a_tag_that_says_nothing_is_an_error(tag):
    with pytest.raises(ValueError, match=tag):
        compare.Tolerance.from_tags([tag])
    with pytest.raises(ValueError, match="another atol"):
        compare.Tolerance.from_tags(["atol-0.1", "atol-0.2"])


def test_pairs_hold_each_decimal_and_its_room():
    pairs = compare.compare_text("a 0.10 5 0.2\nb", "a 0.11 5 0.2\nb").pairs
    assert [(p.line, p.position, p.apart, p.room) for p in pairs] == [
        (1, 1, Decimal("0.01"), Decimal("0.01")),
        (1, 2, Decimal("0.0"), Decimal("0.1")),
    ]


def stdout(text: str) -> nbformat.NotebookNode:
    return new_output("stream", name="stdout", text=text)


def shown(**data: str) -> nbformat.NotebookNode:
    return new_output("display_data", {key.replace("_", "/"): text for key, text in data.items()})


def output_problems(stored, now):
    return compare.compare_outputs(stored, now).problems


def test_outputs_are_compared_in_every_text_form():
    table = shown(text_plain="a 0.50", text_html="<td>0.50</td>")
    near = shown(text_plain="a 0.51", text_html="<td>0.51</td>")
    assert output_problems([table], [near]) == []
    off = output_problems([table], [shown(text_plain="a 0.50", text_html="<td>0.53</td>")])
    assert len(off) == 1
    assert off[0].startswith("text/html 1, line 1, decimal 1: 0.50 stored, 0.53 now")
    off = output_problems([table], [shown(text_plain="b 0.50", text_html="<td>0.53</td>")])
    assert off[0].startswith("text/plain 1, line 1: 'a' stored, 'b' now")


def test_of_an_image_presence_and_type_and_its_text_are_compared():
    figure = shown(text_plain="<Figure size 720x340>", image_png="AAAA")
    assert (
        output_problems([figure], [shown(text_plain=figure.data["text/plain"], image_png="B")])
        == []
    )
    assert output_problems([figure], [shown(text_plain="<Figure size 500x340>", image_png="AAAA")])
    missing = output_problems([figure], [shown(text_plain=figure.data["text/plain"])])
    assert missing == ["an output is missing now (it is stored): image/png"]
    another = output_problems([shown(image_png="A")], [shown(image_jpeg="A")])
    assert len(another) == 2


def test_missing_and_additional_outputs():
    assert output_problems([stdout("a")], []) == ["an output is missing now (it is stored): stdout"]
    assert output_problems([], [stdout("a")]) == [
        "an output is additional now (it is not stored): stdout"
    ]
    assert output_problems([shown(text_plain="a")] * 2, [shown(text_plain="a")])


def test_stdout_is_one_text_and_stderr_none():
    warning = new_output("stream", name="stderr", text="W0000")
    assert (
        output_problems([stdout("a 0.1\nb\n")], [stdout("a 0.1\n"), warning, stdout("b\n")]) == []
    )


def test_an_error_is_compared_by_name_and_message_not_by_its_frames():
    def error(name: str, message: str, frame: str) -> nbformat.NotebookNode:
        return new_output("error", ename=name, evalue=message, traceback=[frame])

    stored = error("ValueError", "k must be below 5", "here")
    assert output_problems([stored], [error("ValueError", "k must be below 5", "there")]) == []
    assert output_problems([stored], [error("KeyError", "k must be below 5", "here")])
    assert output_problems([stored], [error("ValueError", "k must be below 6", "here")])
