"""Records: stored whole or not at all, and known by their data."""

from recutils import experiments, records

from unittest import mock

import pytest

DRAWS = [{"settings": {"l2": 3}, "curve": [0.5, None], "cpu_seconds": 1.5}]


@pytest.mark.parametrize(
    ("value", "mode"), [(None, "read"), ("", "read"), ("make", "make"), ("check", "check")]
)
def test_mode(monkeypatch, value, mode):
    monkeypatch.delenv("RECUTILS_RECORD", raising=False)
    if value is not None:
        monkeypatch.setenv("RECUTILS_RECORD", value)
    assert records.mode() == mode


def test_no_other_mode(monkeypatch):
    monkeypatch.setenv("RECUTILS_RECORD", "always")
    with pytest.raises(ValueError, match="must be read, make or check, got 'always'"):
        records.mode()


class TestFiles:
    @pytest.fixture(autouse=True)
    def folder(self, monkeypatch, tmp_path):
        monkeypatch.setattr(records, "FOLDER", tmp_path / "records")
        monkeypatch.delenv("RECUTILS_DATA", raising=False)
        return tmp_path / "records"

    trials = experiments.trials(5, split="user", num_users=50)

    def write(self, **parts):
        whole = {"key": "k", "draws": DRAWS} | parts
        records.write("search", "part/an arm", self.trials, whole)

    def test_are_read_as_they_were_written(self, folder):
        assert records.read("search", "part/an arm", "synthetic") is None
        self.write()
        record = records.read("search", "part/an arm", "synthetic-user-num_users=50")
        assert record["draws"] == DRAWS
        assert record["world"] == {"num_users": 50}
        assert set(record["versions"]) > {"python", "numpy", "tensorflow"}
        assert [path.name for path in folder.iterdir()] == [
            "search-part-an_arm-synthetic-user-num_users=50.json"
        ]
        assert records.all_of("search", "part/an arm") == [record]
        assert records.all_of("search", "part/arm") == []

    @pytest.mark.parametrize("bad", [float("nan"), {1, 2}])
    def test_what_cannot_be_stored_leaves_the_old_record(self, folder, bad):
        self.write()
        (before,) = folder.iterdir()
        text = before.read_text()
        with pytest.raises((ValueError, TypeError)):
            self.write(draws=[bad])
        assert [path.read_text() for path in folder.iterdir()] == [text]

    def test_an_interrupted_write_leaves_the_old_record(self, folder, monkeypatch):
        self.write()
        with monkeypatch.context() as patch:
            patch.setattr("pathlib.Path.replace", mock.Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                self.write(draws=[2.5])
        assert records.all_of("search", "part/an arm")[0]["draws"] == DRAWS

    @pytest.mark.parametrize("text", ["", '{"name": ', "[]", '{"name": "part/an arm", "key": "k"}'])
    def test_damage_is_noticed(self, folder, text):
        self.write()
        next(folder.iterdir()).write_text(text)
        with pytest.raises(ValueError, match=r"search-part-an_arm\S*.json is damaged"):
            records.read("search", "part/an arm", "synthetic-user-num_users=50")
        with pytest.raises(ValueError, match="is damaged"):
            records.all_of("search", "part/an arm")

    @pytest.mark.parametrize("name", ["", "../up", "a:b", "a\nb"])
    def test_names_are_those_of_files(self, name):
        with pytest.raises(ValueError, match="name must be made of letters"):
            records.write("search", name, self.trials, {})


class TestData:
    def test_a_world_is_known_by_its_dials_and_split(self, monkeypatch):
        monkeypatch.delenv("RECUTILS_DATA", raising=False)
        plain = experiments.trials(5)
        assert records.data_label(plain) == "synthetic"
        assert records.data_label(experiments.trials(split="time", num_users=9)) == (
            "synthetic-time-num_users=9"
        )
        assert records.fingerprint(plain) == records.fingerprint(experiments.trials(9))
        assert records.fingerprint(plain) != records.fingerprint(experiments.trials(split="user"))

    def test_another_generator_makes_other_data(self, monkeypatch):
        monkeypatch.delenv("RECUTILS_DATA", raising=False)
        before = records.fingerprint(experiments.trials())
        movies = experiments.synthetic_movies
        other = {"num_users": 41, "num_movies": 120, "num_ratings": 600}
        monkeypatch.setattr(
            experiments, "synthetic_movies", lambda seed, **_: movies(**other, seed=seed)
        )
        assert records.fingerprint(experiments.trials()) != before


def test_notes_go_to_those_who_watch(capsys):
    records.note("hello")
    assert capsys.readouterr() == ("", "hello\n")
