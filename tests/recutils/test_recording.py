"""Trials on record: what runs again, what is made, and what is refused."""

import recutils
from recutils import records

import numpy as np
import pytest

SMALL = {"num_users": 30, "num_movies": 60, "num_ratings": 400}
CODE = """
recutils.recorded("toy/run", run, trials)
"""

pytestmark = pytest.mark.usefixtures("folder")


def score(trial):
    return {"ours": trial.seed + 0.25, "theirs": 1}


class TestRecorded:
    def recorded(self, run, trials, **options):
        return recutils.recorded("toy/run", run, trials, **options)

    def test_without_a_record_all_trials_run(self, trials, folder, capsys):
        found = self.recorded(score, trials)
        assert found.index.tolist() == [1, 2, 3]
        assert found["ours"].tolist() == [1.25, 2.25, 3.25]
        assert not list(folder.iterdir())
        out, err = capsys.readouterr()
        assert out == ""
        assert err == "toy/run: 3 trials are not on record; running them\n"

    def test_with_a_record_the_first_runs_again(self, trials, make, monkeypatch, capsys):
        made = self.recorded(score, trials)
        assert capsys.readouterr().out == ""
        monkeypatch.delenv("RECUTILS_RECORD")
        ran = []
        read = self.recorded(lambda trial: ran.append(trial.seed) or score(trial), trials)
        assert ran == [1]
        assert read.equals(made)
        words = "the first of 3 recorded trials, run again, agrees to 1e-3: "
        assert capsys.readouterr().out == f"{words}True\n"
        self.recorded(lambda trial: score(trial) | {"ours": 1.26}, trials)
        assert capsys.readouterr().out == f"{words}False\n"
        self.recorded(lambda trial: score(trial) | {"ours": 1.26}, trials, digits=1)
        assert capsys.readouterr().out.endswith("1e-1: True\n")
        monkeypatch.setenv("RECUTILS_RECORD", "check")
        with pytest.raises(ValueError, match="toy/run: the first trial gives"):
            self.recorded(lambda trial: {"ours": 9}, trials)

    def test_only_what_is_missing_is_made(self, trials, make):
        self.recorded(score, trials)
        ran = []
        more = recutils.trials(5, **SMALL)
        found = self.recorded(lambda trial: ran.append(trial.seed) or score(trial), more)
        assert ran == [4, 5]
        assert found.index.tolist() == [1, 2, 3, 4, 5]

    def test_a_stale_record(self, trials, make, monkeypatch, capsys):
        self.recorded(score, trials)
        other = CODE.replace('"toy/run", run', '"toy/run", lambda trial: 3')
        monkeypatch.setattr(records, "code_so_far", lambda: [other])
        monkeypatch.setenv("RECUTILS_RECORD", "read")
        self.recorded(score, trials)
        assert "the code or the data have changed since" in capsys.readouterr().err
        monkeypatch.setenv("RECUTILS_RECORD", "make")
        ran = []
        self.recorded(lambda trial: ran.append(trial.seed) or score(trial), trials)
        assert ran == [1, 2, 3]

    @pytest.mark.parametrize(
        ("returned", "error", "message"),
        [
            ({"a": "1"}, TypeError, "toy/run: a recorded score must be a number, got '1'"),
            ({"a": True}, TypeError, "must be a number, got True"),
            ({"a": np.nan}, ValueError, "must be finite, got nan"),
        ],
    )
    def test_bad_scores(self, trials, returned, error, message):
        with pytest.raises(error, match=message):
            self.recorded(lambda _: returned, trials)

    def test_bad_arguments(self, trials):
        with pytest.raises(TypeError, match="run must be a function"):
            self.recorded(3, trials)
        with pytest.raises(TypeError, match=r"trials must come from recutils\.trials"):
            self.recorded(score, [1])
        with pytest.raises(ValueError, match="digits must be between 0 and 15"):
            self.recorded(score, trials, digits=-1)
