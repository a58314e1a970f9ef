"""`make replicate OBD=…`: a policy's value from another policy's log, on logs made by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from tools import obd

# Four items. The random policy shows each once and again; two of eight are clicked.
OWN = pd.DataFrame(
    {"item_id": [0, 1, 2, 3] * 2, "click": [1, 0, 0, 0, 0, 1, 0, 0], "propensity_score": [0.25] * 8}
)
# The other shows item 0 with chance 1/2: weights 1/2, 1/2, 1 and 2.
OTHER = pd.DataFrame(
    {"item_id": [0, 0, 1, 2], "click": [1, 0, 1, 0], "propensity_score": [0.5, 0.5, 0.25, 0.125]}
)


def write(folder, own=OWN, other=OTHER):
    for name in obd.CAMPAIGNS:
        own.to_csv(folder / f"random-{name}.csv.gz", index=False)
        other.to_csv(folder / f"bts-{name}.csv.gz", index=False)


def test_estimates_by_hand():
    found = obd.compared(OWN, OTHER)
    assert found["items"] == 4
    assert (found["random"]["rows"], found["random"]["clicks"]) == (8, 2)
    assert found["random"]["value"] == 0.25
    other = found["thompson"]
    assert other["rate"] == 0.5
    assert other["IPS"]["value"] == pytest.approx((0.5 + 1) / 4)
    assert other["SNIPS"]["value"] == pytest.approx((0.5 + 1) / 4)  # The mean weight is 1.
    assert other["mean_weight"] == pytest.approx(1)
    assert other["largest_weight"] == pytest.approx(2)
    assert other["effective"] == pytest.approx(16 / 5.5)
    assert other["smallest_chance"] == 0.125
    assert other["in_200_000ths"] == 1
    assert other["share_of_heaviest"] == pytest.approx(0.5)
    rest = other["without_heaviest"]
    assert rest["IPS"] == pytest.approx(0.5)
    assert rest["mean_weight"] == pytest.approx(2 / 3)
    assert rest["effective"] == pytest.approx(4 / 1.5)


def test_intervals_by_hand():
    other = obd.compared(OWN, OTHER)["thompson"]
    half = 1.96 * np.std([0.5, 0, 1, 0], ddof=1) / 2
    assert other["IPS"]["high"] - other["IPS"]["value"] == pytest.approx(half)
    assert other["IPS"]["value"] - other["IPS"]["low"] == pytest.approx(half)
    residuals = np.array([0.5, 0.5, 1, 2]) * (np.array([1, 0, 1, 0]) - 0.375)
    half = 1.96 * residuals.std(ddof=1) / 2
    assert other["SNIPS"]["high"] - other["SNIPS"]["value"] == pytest.approx(half)
    log = np.log(80)
    half = np.sqrt(2 * np.var([0.5, 0, 1, 0], ddof=1) * log / 4) + 7 * 2 * log / 9
    assert other["Bernstein"]["high"] - other["Bernstein"]["value"] == pytest.approx(half)


def test_a_chance_that_no_simulation_counted_stands_out():
    chances = [0.5, 0.000001, 0.25, 0.125]
    other = obd.compared(OWN, OTHER.assign(propensity_score=chances))["thompson"]
    assert other["in_200_000ths"] == 0.75
    assert other["largest_weight"] == pytest.approx(250_000)


def test_a_policy_judged_by_its_own_log_has_the_log_s_rate():
    found = obd.compared(OWN, OWN)
    for kind in ("IPS", "SNIPS"):
        assert found["thompson"][kind]["value"] == pytest.approx(found["random"]["value"])
        assert found["thompson"][kind]["low"] == pytest.approx(found["random"]["low"])
    assert found["thompson"]["effective"] == pytest.approx(8)


def test_intervals_cover_as_promised_where_overlap_is_good():
    rng = np.random.default_rng(0)
    chances, rates = np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.3, 0.2, 0.4])
    covers = {"IPS": 0, "SNIPS": 0, "Bernstein": 0}
    for _ in range(300):
        items = rng.choice(4, size=1_000, p=chances)
        clicks = (rng.random(1_000) < rates[items]).astype(int)
        log = pd.DataFrame({"item_id": items, "click": clicks, "propensity_score": chances[items]})
        found = obd.compared(OWN, log)["thompson"]
        for kind in covers:
            covers[kind] += found[kind]["low"] <= rates.mean() <= found[kind]["high"]
    assert 273 <= covers["IPS"] <= 296
    assert 273 <= covers["SNIPS"] <= 296
    assert covers["Bernstein"] >= 296


@pytest.fixture(autouse=True)
def report(tmp_path, monkeypatch):
    """Where the report goes."""
    monkeypatch.setattr(obd, "REPORT", tmp_path / "reports" / "obd.json")
    return obd.REPORT


def test_the_command_writes_a_report(tmp_path, report, capsys):
    folder = tmp_path / "logs"
    folder.mkdir()
    write(folder)
    (folder / "README.md").write_text("about")
    assert obd.main([str(folder)]) == 0
    written = json.loads(report.read_text())
    assert list(written["campaigns"]) == ["all", "men", "women"]
    assert written["campaigns"]["men"] == obd.compared(OWN, OTHER)
    assert written["data"]["folder"] == "logs"
    assert len(written["data"]["sha256"]) == 6
    assert "README.md" not in written["data"]["sha256"]
    assert {"date", "versions"} <= written.keys()
    said = capsys.readouterr().out
    assert "IPS      37.50 [" in said
    assert "worth 3 of 4 rows; largest weight 2, mean 1.00" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"click": [1, 0, 2, 0]}, "click must be 0 or 1, got 2"),
        ({"propensity_score": [0.5, 0.0, 0.25, 0.1]}, "above 0 and at most 1, got 0.0"),
        ({"propensity_score": [0.5, 1.5, 0.25, 0.1]}, "above 0 and at most 1, got 1.5"),
        ({"propensity_score": [0.5, None, 0.25, 0.1]}, "propensity_score must hold numbers"),
        ({"click": ["yes", "no", "no", "no"]}, "click must hold numbers"),
        ({"item_id": [0, 5, 1, 2]}, "the logs show 5 items, the random policy's chance is 1 / 4"),
    ],
)
def test_a_log_that_cannot_be_is_refused(changed, said, tmp_path, capsys):
    write(tmp_path, other=OTHER.assign(**changed))
    assert obd.main([str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert not obd.REPORT.exists()


def test_a_random_policy_that_is_not_random_is_refused(tmp_path, capsys):
    write(tmp_path, own=OWN.assign(propensity_score=[0.25] * 7 + [0.3]))
    assert obd.main([str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "campaign all: a random policy shows every item with the same chance" in said


def test_missing_pieces_are_named(tmp_path, capsys):
    assert obd.main([str(tmp_path / "nowhere")]) == 2
    assert "no folder with data" in capsys.readouterr().err
    assert obd.main([str(tmp_path)]) == 2
    assert "no file in" in capsys.readouterr().err
    write(tmp_path)
    (tmp_path / "bts-women.csv.gz").unlink()
    assert obd.main([str(tmp_path)]) == 2
    assert "no log bts-women.csv.gz" in capsys.readouterr().err
    write(tmp_path, other=OTHER.drop(columns="click"))
    assert obd.main([str(tmp_path)]) == 2
    assert "click missing" in capsys.readouterr().err
    write(tmp_path, other=OTHER.head(1))
    assert obd.main([str(tmp_path)]) == 2
    assert "at least 2 rows, got 1" in capsys.readouterr().err
    (tmp_path / "bts-all.csv.gz").write_bytes(b"no gzip")
    assert obd.main([str(tmp_path)]) == 2
    assert "bts-all.csv.gz is not a CSV file" in capsys.readouterr().err
