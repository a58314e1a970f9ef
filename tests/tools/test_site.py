"""What the site makes of chapters and names, tried without a built site."""

from recutils import records

import json
import os

import pytest

from tools.site import contents, generated, measured, offered, pages


@pytest.mark.parametrize("repository", ["", "https://example.org/book"])
def test_the_note_says_where_to_install(repository: str) -> None:
    note = offered.note_for(repository, "")
    lines = [line.strip() for line in note.splitlines() if line.startswith("    ")]
    installs = [i for i, line in enumerate(lines) if "pip install -r requirements.txt" in line]
    assert len(installs) == 1 + bool(repository)
    if repository:
        assert lines[installs[1] - 1] == "cd book_repository"


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("tf.keras.StringLookup", "tf.<wbr>keras.<wbr>String<wbr>Lookup"),
        ("FactorizedTopK", "Factorized<wbr>TopK"),
        ("load_model", "load_<wbr>model"),
        (".batch", ".batch"),
        ("loss=", "loss="),
    ],
)
def test_long_names_in_tables_may_break_between_words(name: str, broken: str) -> None:
    cell = f'<td><code><span class="pre">{name}</span></code> in a.b</td>'
    expected = f'<td><code><span class="pre">{broken}</span></code> in a.b</td>'
    assert pages.break_names(cell) == expected


def test_names_in_sentences_may_break_only_if_they_are_long() -> None:
    long = '<p><code><span class="pre">tf.random.experimental.stateless_shuffle</span></code></p>'
    short = '<p><code><span class="pre">tf.keras.Model</span></code></p>'
    assert "experimental.<wbr>stateless_<wbr>shuffle" in pages.break_names(long)
    assert pages.break_names(short) == short


def test_a_description_ends_with_a_sentence_or_a_word() -> None:
    def described(text: str) -> str:
        return f'<meta property="og:description" content="{text}" />'

    first = "Your model returns a hundred films, best first. Was the one watched next among them?"
    assert pages.end_descriptions(described(f"{first} Counting how of...")) == described(first)
    assert pages.end_descriptions(described("Your mod...")) == described("Your …")
    assert pages.end_descriptions(described(first)) == described(first)


def test_a_claim_above_both_of_its_lines_may_break_whether_indented_or_not() -> None:
    for claim in ("hit rate: A beats B\n", "   hit rate: A beats B\n"):
        lines = "      synthetic  holds    +0.1 [+0.0, +0.2]\n"
        marked = pages.mark_claims(f"<span></span>{claim}{lines}")
        assert marked == f'<span></span><span class="claim">{claim}</span>{lines}'


@pytest.mark.parametrize(
    ("about", "shown"),
    [
        ("ids that turn into numbers", "Ids that turn into numbers"),
        ("`tf.squeeze` without an axis", "tf.squeeze without an axis"),
        ("metrics in `compile`", "Metrics in compile"),
    ],
)
def test_what_a_pitfall_is_about_starts_large_unless_it_is_code(about: str, shown: str) -> None:
    assert contents.label(about) == shown


@pytest.mark.parametrize(
    ("name", "code", "taught"),
    [
        ("np.mean", "x = np.mean(y)", True),
        ("np.mean", "x = np.meanest(y)", False),
        (".batch", "data.batch(3)", True),
        (".batch", "data.batch_size", False),
        ("loss=", "task(loss=f)", True),
        ("loss=", "task(my_loss=f)", False),
        ("tf.matmul(…transpose_b=True", "tf.matmul(\n    a, b, transpose_b=True)", True),
        ("tf.matmul(…transpose_b=True", "tf.matmul(a, b)", False),
    ],
)
def test_names_are_found_as_whole_words(name: str, code: str, taught: bool) -> None:
    assert bool(contents.pattern(name).search(code)) is taught


@pytest.mark.parametrize(
    "words",
    [
        "5 seeds, paired",
        "5 worlds, main",
        "1 split, 120 people resampled",
        "5 worlds, within ±0.005",
    ],
)
def test_the_end_of_a_claim_is_marked(words: str) -> None:
    line = f"<pre><span></span>holds     +0.1 [+0.0, +0.2]   A beats B (all)   ({words})\n"
    assert f'A beats B (all)   <span class="seeds">({words})</span>' in pages.mark_claims(line)


def test_the_first_page_offers_the_pdf_only_while_it_is_newer_than_the_pages(tmp_path, monkeypatch):
    monkeypatch.setattr(offered, "PDF", tmp_path / "book.pdf")
    assert generated.markdown("pdf") == ""
    offered.PDF.write_bytes(b"%PDF" + bytes(3_000_000))
    assert 'href="../_downloads/book.pdf"' in generated.markdown("pdf")
    assert "(3 MB)" in generated.markdown("pdf")
    os.utime(offered.PDF, (0, 0))
    assert generated.markdown("pdf") == ""


def test_the_status_page_says_what_longer_searches_found(monkeypatch):
    line = {"verdict": "holds", "effect": "+0.1", "low": "+0.0", "high": "+0.2"}
    row = {"claim": "A beats B", "as stored": line, "fourfold": line | {"verdict": "open"}}
    result = {"fingerprint": "of other cells", "draws": [40], "claims": [row]}
    report = {"date": "2026-11-29", "chapters": {"basics/data": result}}
    monkeypatch.setattr(generated.fourfold, "read", lambda: report)
    lines = generated.markdown("reports").splitlines()
    (at,) = [n for n, text in enumerate(lines) if "four times as long" in text]
    for words in ["29 November 2026", "40 draws", "0 of 1 main claims", "(changed since)"]:
        assert words in lines[at]
    shown = "`+0.1 [+0.0, +0.2]`"
    assert lines[at + 1] == f"  - A beats B: holds, {shown}; then open, {shown}"


def items(*starts: str) -> list[str]:
    """The items of a list on the page Status that start so."""
    lines = generated.markdown("reports").splitlines()
    return [line for line in lines if line.startswith(starts)]


def test_the_status_page_tells_of_records_and_benchmarks(tmp_path, monkeypatch):
    draws = [{"settings": {"l2": 1}, "curve": [0.5], "cpu_seconds": 3600.0}] * 20
    record = {"name": "a/b", "key": "k", "date": "2026-11-28", "data": "synthetic", "draws": draws}
    record |= {"split": "random", "world": {}}
    for number, change in enumerate(({}, {"data": "real-1", "date": "2026-11-29"})):
        (tmp_path / f"search-{number}.json").write_text(json.dumps(record | change))
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    (line,) = items("- **Searches** ")
    for words in ["28 November 2026 to 29", "1 on synthetic films and 1 on real", "40 draws in 40"]:
        assert words in line
    (tmp_path / "benchmarks").mkdir()
    quiet = {
        "date": "2026-11-29",
        "machine": {"cpu": "X", "cores": 2},
        "noise": {"loop_s": {"prepare": [], "scann": [1, 1.02]}, "spread": 0.02},
    }
    for name, made in {
        "ann-2026-11-24": {"date": "2026-11-24", "machine": {"cpu": "X", "cores": 2}},
        "ann-2026-11-29": quiet,
    }.items():
        (tmp_path / "benchmarks" / f"{name}.json").write_text(json.dumps(made))
    monkeypatch.setattr(measured, "ROOT", tmp_path)
    (line,) = items("- **Index libraries", "- **The service")
    assert "29 November 2026, X, 2 cores" in line
    assert "differed by 2.0%" in line
    load = {"date": "2026-11-29", "machine": "Linux, 2 cores", "busy": ["so"]}
    load["noise"] = {"loop_s": [1], "spread": 0}
    (tmp_path / "benchmarks" / "load-2026-11-29.json").write_text(json.dumps(load))
    (line,) = items("- **The service")
    assert line.endswith("the machine was busy: so.")


def test_the_status_page_gives_the_reasons_of_failures():
    assert measured.failures({}) == "0 failed"
    said = measured.failures({"a": "no Estimator", "b": "", "c": "no Estimator"})
    assert said == "3 failed (2: no Estimator; 1: no reason is known)"
