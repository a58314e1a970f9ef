"""benchmarks.ann: what is kept, what is refused, and what the record says."""

import json

import pytest

from benchmarks import ann
from benchmarks.quiet import Probe

DATA = {"candidates": 100, "queries": 10}


def kept(loop_s: float = 0.02, ratio: float = 1.0) -> dict:
    probes = [[loop_s, 1.0], [loop_s, 1.0]]
    result = {"name": "ScaNN", "wall_over_cpu": ratio}
    return {
        "prepare": {"probes": probes, "seconds": 3.0, "result": DATA},
        "scann": {"probes": probes, "seconds": 5.0, "result": result},
        "layers": {"probes": probes, "seconds": 2.0, "result": {"ScaNN": 0.1}},
        "rule": {"probes": [], "seconds": 1.0, "result": [{"candidates": 5}]},
    }


def test_evidence_has_all_probes_and_single_threaded_parts():
    probes, ratios = ann.evidence(kept(ratio=1.03))
    assert probes == 6 * [Probe(0.02, 1.0)]
    assert ratios == {"scann": 1.03}


def test_a_record_sorts_the_parts_and_keeps_its_checks():
    found = ann.record(kept(), ["busy"])
    assert found["data"] == DATA
    assert list(found["indexes"]) == ["scann"]
    assert found["rule"] == [{"candidates": 5}]
    assert found["busy"] == ["busy"]
    assert found["noise"]["spread"] == 0
    assert found["noise"]["wall_over_cpu"] == {"scann": 1.0}
    assert found["machine"]["cores"] >= 1


def test_lines_are_json():
    value = {"a": [{"b": 1, "c": None}, {"b": 2.5}], "d": {}, "e": [1, 2], "f": {"g": {"h": "i"}}}
    assert json.loads(ann.lines(value)) == value
    assert ' {"b": 1, "c": null},' in ann.lines(value).splitlines()[2]


def busy_parts(monkeypatch, tmp_path, loops: list[float]) -> list[str]:
    """Lets each part run at once between probes that took so long; which parts ran."""
    ran, probes = [], iter(loops)
    monkeypatch.setattr(ann.quiet, "probe", lambda: Probe(next(probes), 1.0))
    monkeypatch.setattr(ann.time, "sleep", lambda seconds: None)
    parts = {"prepare": "json", "scann": "json", "layers": "json", "gone": "no_such"}
    monkeypatch.setattr(ann.parts, "PARTS", parts)

    def run(command, **options):
        part = command[command.index("--part") + 1]
        ran.append(part)
        (tmp_path / "kept" / f"{part}.result.json").write_text(json.dumps(kept()[part]["result"]))

    monkeypatch.setattr(ann.subprocess, "run", run)
    return ran


def test_a_quiet_machine_writes_and_the_next_run_measures_all_again(monkeypatch, tmp_path):
    ran = busy_parts(monkeypatch, tmp_path, 2 * [1.0, 1.01, 1.02, 1.0])
    for number in (1, 2):
        ann.run_all(tmp_path / "ann.json", tmp_path / "kept", 100, patience=0)
        assert ran == number * ["prepare", "scann", "layers"]
    record = json.loads((tmp_path / "ann.json").read_text())
    assert record["busy"] == []
    assert record["noise"]["loop_s"] == {"prepare": [], "scann": [1.0, 1.01], "layers": [1.02, 1.0]}
    assert not (tmp_path / "kept").exists()


def test_a_busy_machine_writes_nothing_and_resumes(monkeypatch, tmp_path):
    # Within a part 12%, then quiet; then from part to part 20%, then 10%.
    ran = busy_parts(monkeypatch, tmp_path, [1.0, 1.12, 1.0, 1.0, 1.2, 1.1, 1.1])
    for part in ("scann", "layers"):
        with pytest.raises(SystemExit, match=f"{part}: the machine isn't quiet"):
            ann.run_all(tmp_path / "ann.json", tmp_path / "kept", 100, patience=0)
    assert not (tmp_path / "ann.json").exists()
    with pytest.raises(SystemExit, match="parts with 100 candidates"):
        ann.run_all(tmp_path / "ann.json", tmp_path / "kept", 200, patience=0)
    ann.run_all(tmp_path / "ann.json", tmp_path / "kept", 100, patience=0)
    assert ran == ["prepare", "scann", "scann", "layers"]


def test_with_patience_it_waits(monkeypatch, tmp_path):
    ran = busy_parts(monkeypatch, tmp_path, [1.0, 1.0, 1.2, 1.2, 1.0, 1.0])
    ann.run_all(tmp_path / "ann.json", tmp_path / "kept", 100, patience=1)
    assert ran == ["prepare", "scann", "layers"]


def test_asked_to_it_writes_and_says_so(monkeypatch, tmp_path):
    busy_parts(monkeypatch, tmp_path, [1.0, 1.2, 1.0, 1.0])
    ann.run_all(tmp_path / "ann.json", tmp_path / "kept", 100, patience=None)
    (reason,) = json.loads((tmp_path / "ann.json").read_text())["busy"]
    assert "20.0% longer" in reason
