"""`make replicate`: conclusions on other data beside the stored ones."""

import hashlib
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import claims, kernels, notebooks, replicate
from tools.reports import checksums, versions

LINE = "holds     +0.125 [+0.118, +0.132]   recall@100: towers beat popularity   (5 seeds, paired)"


CODE = f"""\
import os
data = os.environ.get("RECUTILS_DATA")
print({LINE!r} if data is None else {LINE.replace("holds", "open ")!r})
print({LINE.replace("recall", "precision")!r})
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where reports go."""
    monkeypatch.setattr(replicate.reports, "REPORTS", tmp_path / "reports")
    return tmp_path / "reports"


@pytest.fixture
def chapter(tmp_path):
    """Path of a notebook with a claim that fails on other data, one that doesn't, and an error."""
    stored = f"{LINE}\n{LINE.replace('recall', 'precision')}\n"
    late = LINE.replace("recall", "ndcg")
    cells = [
        new_code_cell(CODE, outputs=[new_output("stream", name="stdout", text=stored)]),
        new_code_cell("assert data is None, 'no truth'"),
        new_code_cell(
            f"if data is None:\n    print({late!r})",
            outputs=[new_output("stream", name="stdout", text=late)],
        ),
    ]
    path = tmp_path / "films.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata=notebooks.METADATA), path)
    return path


def test_claims_come_side_by_side_with_checksums_and_errors(chapter, folder, tmp_path, capsys):
    data = tmp_path / "ml-tiny"
    data.mkdir()
    (data / "ratings.csv").write_text("1,2,3")
    assert replicate.main([str(data), str(chapter)]) == 1
    report = json.loads((folder / "replication-ml-tiny.json").read_text())
    assert report["data"] == {
        "folder": "ml-tiny",
        "sha256": {"ratings.csv": hashlib.sha256(b"1,2,3").hexdigest()},
    }
    assert report["versions"]["tensorflow"] == versions()["tensorflow"]
    films = report["chapters"]["films"]
    assert "no truth" in films["error"]
    sides = {
        row["claim"].split("@")[0]: (
            row["synthetic"]["verdict"],
            (row["real"] or {}).get("verdict"),
        )
        for row in films["claims"]
    }
    assert sides == {
        "recall": ("holds", "open"),
        "precision": ("holds", "holds"),
        "ndcg": ("holds", None),
    }
    printed = capsys.readouterr().out
    assert "FAILED on these data: cell" in printed
    row = next(line for line in printed.splitlines() if "recall" in line)
    assert row.split()[:1] == ["holds"]
    assert "open     +0.125 [+0.118, +0.132]" in row
    assert "not reached" in printed


def test_an_unchanged_chapter_is_not_run_again(chapter, folder, tmp_path, monkeypatch):
    data = tmp_path / "ml-tiny"
    data.mkdir()
    (data / "ratings.csv").write_text("1,2,3")
    ran = []
    run = kernels.run

    def counted(*args, **kwargs):
        ran.append(1)
        return run(*args, **kwargs)

    monkeypatch.setattr(kernels, "run", counted)
    command = [str(data), str(chapter)]
    replicate.main(command)
    first = json.loads((folder / "replication-ml-tiny.json").read_text())
    replicate.main(command)
    assert len(ran) == 1
    assert json.loads((folder / "replication-ml-tiny.json").read_text()) == first
    replicate.main([*command, "--again"])
    assert len(ran) == 2
    changed = nbformat.read(chapter, as_version=4)
    changed.cells[0].source += "\nprint('more')"
    nbformat.write(changed, chapter)
    replicate.main(command)
    assert len(ran) == 3
    (data / "ratings.csv").write_text("1,2,4")
    replicate.main(command)
    assert len(ran) == 4


def test_other_chapters_stay_in_the_report(chapter, folder, tmp_path):
    data = tmp_path / "ml-tiny"
    data.mkdir()
    (data / "ratings.csv").write_text("1,2,3")
    other = chapter.with_name("other.ipynb")
    other.write_text(chapter.read_text())
    for path in (other, chapter):
        replicate.main([str(data), str(path)])
    report = json.loads((folder / "replication-ml-tiny.json").read_text())
    assert set(report["chapters"]) == {"films", "other"}


def test_a_folder_without_data_is_refused(tmp_path):
    with pytest.raises(NotADirectoryError, match="nowhere"):
        checksums(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no file"):
        checksums(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("5 seeds, paired", {"seeds": 5}),
        ("5 worlds", {"trials": "5 worlds"}),
        ("5 splits, corrected, main", {"trials": "5 splits, corrected", "main": True}),
    ],
)
def test_what_a_report_says_of_a_claim(words, said):
    (claim,) = claims.parse(LINE.replace("5 seeds, paired", words))
    numbers = {"verdict": "holds", "effect": "+0.125", "low": "+0.118", "high": "+0.132"}
    assert replicate.side(claim) == numbers | said


def test_the_table_names_main_claims():
    (claim,) = claims.parse(LINE.replace("5 seeds, paired", "5 worlds, main"))
    rows = [{"claim": "A beats B", "synthetic": None, "real": replicate.side(claim)}]
    chapters = {"films": {"error": None, "claims": rows}}
    printed = replicate.table({"data": {"folder": "ml-tiny"}, "chapters": chapters})
    assert printed.endswith(" A beats B  (main)")
