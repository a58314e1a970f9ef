"""Real files: each kind is read as it is, and errors name the file and the line."""

from recutils import movielens
from recutils.movies import MOVIE_COLUMNS, RATING_COLUMNS

import itertools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "ml-latest-small"

FLAGS = {"Café Noir (1995)": (1, 18), "Harbor, The (1994)": (5,), "unknown": (0,)}
ML_100K = {
    "u.data": "1\t10\t4\t881250949\n2\t20\t5\t881250940\n2\t10\t1\t881250945\n",
    "u.user": "1|24|M|technician|85711\n2|53|F|other|T8H1N\n3|7|M|student|01002\n",
    "u.item": "".join(
        f"{10 * (place + 1)}|{title}|01-Jan-1995||http://films.example/{place}|"
        + "|".join(str(int(flag in flags)) for flag in range(19))
        + "\n"
        for place, (title, flags) in enumerate(FLAGS.items())
    ),
}
ML_1M = {
    "ratings.dat": "1::10::4::978300760\n2::20::5::978300750\n2::10::1::978300755\n",
    "users.dat": "1::F::1::10::48067\n2::M::56::16::70072-1234\n",
    "movies.dat": "10::Café Wars: Part I (1977)::Action|Sci-Fi\n20::Harbor (1994)::Drama\n",
}
ML_LATEST = {
    "ratings.csv": "userId,movieId,rating,timestamp\n"
    "1,10,4.0,964982703\n1,20,3.5,964982700\n2,10,0.5,964982701\n",
    "movies.csv": "movieId,title,genres\n"
    '10,"Café, The (1995)",Comedy|Drama\n20,Harbor (1994),(no genres listed)\n30,1984,War\n',
}
OWN = {
    "ratings.csv": "timestamp,user_id,movie_id,user_rating\n200,ann,x,4.25\n100,bob,y,9\n",
    "users.csv": "user_id,city\nann,Ulm\nbob,Bonn\n",
    "movies.csv": "movie_id,movie_title,movie_genres\nx,Xenia,Drama|War\ny,Yes,\n",
}
KINDS = {"100k": ML_100K, "1m": ML_1M, "latest": ML_LATEST, "own": OWN}
FILES = [(kind, name) for kind in KINDS for name in KINDS[kind]]


def write(folder, files, encoding="utf-8"):
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode(encoding)
        (folder / name).write_bytes(data)
    return folder


def rows(frame):
    return frame.to_numpy(object).tolist()


def changed(files, name, old, new):
    assert files[name].count(old) == 1
    return files | {name: files[name].replace(old, new)}


def swapped(text, separator, first, second, header=True):
    """The same lines with two columns in each other's place; the header only if it says so."""
    lines = [line.split(separator) for line in text.splitlines()]
    for line in lines if header else lines[1:]:
        line[first], line[second] = line[second], line[first]
    return "".join(separator.join(line) + "\n" for line in lines)


class TestKinds:
    @pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
    def test_100k(self, tmp_path, encoding):
        found = movielens.load(write(tmp_path, ML_100K, encoding))
        assert rows(found.ratings) == [
            ["2", "20", "Harbor, The (1994)", 5, 881250940],
            ["2", "10", "Café Noir (1995)", 1, 881250945],
            ["1", "10", "Café Noir (1995)", 4, 881250949],
        ]
        assert found.users.columns.tolist() == [
            "user_id",
            "user_gender",
            "bucketized_user_age",
            "user_occupation_text",
            "user_zip_code",
        ]
        assert rows(found.users) == [
            ["1", "male", "18-24", "technician", "85711"],
            ["2", "female", "50-55", "other", "T8H1N"],
            ["3", "male", "Under 18", "student", "01002"],
        ]
        assert rows(found.movies) == [
            ["10", "Café Noir (1995)", ["Action", "Western"]],
            ["20", "Harbor, The (1994)", ["Comedy"]],
            ["30", "unknown", ["unknown"]],
        ]

    @pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
    def test_1m(self, tmp_path, encoding):
        found = movielens.load(write(tmp_path, ML_1M, encoding))
        assert rows(found.ratings)[0] == ["2", "20", "Harbor (1994)", 5, 978300750]
        assert rows(found.users) == [
            ["1", "female", "Under 18", "K-12 student", "48067"],
            ["2", "male", "56+", "self-employed", "70072-1234"],
        ]
        assert rows(found.movies) == [
            ["10", "Café Wars: Part I (1977)", ["Action", "Sci-Fi"]],
            ["20", "Harbor (1994)", ["Drama"]],
        ]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    def test_latest(self, tmp_path, encoding):
        found = movielens.load(write(tmp_path, ML_LATEST, encoding))
        assert rows(found.ratings) == [
            ["1", "20", "Harbor (1994)", 3.5, 964982700],
            ["2", "10", "Café, The (1995)", 0.5, 964982701],
            ["1", "10", "Café, The (1995)", 4, 964982703],
        ]
        assert rows(found.users) == [["1"], ["2"]]
        assert rows(found.movies) == [
            ["10", "Café, The (1995)", ["Comedy", "Drama"]],
            ["20", "Harbor (1994)", []],
            ["30", "1984", ["War"]],
        ]

    def test_own(self, tmp_path):
        found = movielens.load(write(tmp_path, OWN))
        assert rows(found.ratings) == [
            ["bob", "y", "Yes", 9, 100],
            ["ann", "x", "Xenia", 4.25, 200],
        ]
        assert rows(found.users) == [["ann", "Ulm"], ["bob", "Bonn"]]
        assert rows(found.movies) == [["x", "Xenia", ["Drama", "War"]], ["y", "Yes", []]]

    def test_own_without_users_and_movies(self, tmp_path):
        ratings = "user_id,movie_id,movie_title,user_rating,timestamp\n7,x,Xenia,4,1\n7,y,Yes,3,2\n"
        found = movielens.load(write(tmp_path, {"ratings.csv": ratings}))
        assert rows(found.users) == [["7"]]
        assert rows(found.movies) == [["x", "Xenia", []], ["y", "Yes", []]]

    def test_what_pandas_writes_is_read_back(self, tmp_path):
        first = movielens.load(write(tmp_path, ML_LATEST))
        own = tmp_path / "own"
        own.mkdir()
        for name in ("ratings", "users", "movies"):
            getattr(first, name).to_csv(own / f"{name}.csv", index=False)
        again = movielens.load(own)
        for name in ("ratings", "users", "movies"):
            pd.testing.assert_frame_equal(getattr(again, name), getattr(first, name))

    @pytest.mark.parametrize("kind", KINDS)
    def test_schema(self, tmp_path, kind):
        found = movielens.load(str(write(tmp_path, KINDS[kind])))
        assert found.truth is None
        assert found.ratings.columns.tolist() == RATING_COLUMNS
        assert found.movies.columns.tolist() == MOVIE_COLUMNS
        assert found.ratings["user_rating"].dtype == np.float32
        assert found.ratings["timestamp"].dtype == np.int64
        assert found.ratings["timestamp"].is_monotonic_increasing
        assert all(isinstance(value, str) for value in found.ratings["movie_id"])

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text.replace("\n", "\r\n"),
            lambda text: text.replace("\n", "\r"),
            lambda text: text[:-1],
        ],
        ids=["CRLF", "CR", "no end of line"],
    )
    def test_line_ends_dont_matter(self, tmp_path, kind, change):
        (tmp_path / "as it is").mkdir()
        plain = movielens.load(write(tmp_path / "as it is", KINDS[kind]))
        files = {name: change(text) for name, text in KINDS[kind].items()}
        other = movielens.load(write(tmp_path, files))
        for name in ("ratings", "users", "movies"):
            pd.testing.assert_frame_equal(getattr(other, name), getattr(plain, name))

    @pytest.mark.parametrize(("kind", "name"), FILES)
    def test_a_byte_order_mark_doesnt_matter(self, tmp_path, kind, name):
        (tmp_path / "as it is").mkdir()
        plain = movielens.load(write(tmp_path / "as it is", KINDS[kind]))
        marked = {name: b"\xef\xbb\xbf" + KINDS[kind][name].encode()}
        other = movielens.load(write(tmp_path, KINDS[kind] | marked))
        for table in ("ratings", "users", "movies"):
            pd.testing.assert_frame_equal(getattr(other, table), getattr(plain, table))

    def test_a_header_says_what_a_column_is(self, tmp_path):
        plain = movielens.load(write(tmp_path, ML_LATEST)).ratings
        for first, second in itertools.combinations(range(4), 2):
            text = swapped(ML_LATEST["ratings.csv"], ",", first, second)
            found = movielens.load(write(tmp_path, {"ratings.csv": text})).ratings
            pd.testing.assert_frame_equal(found, plain)

    def test_genres_are_text_and_never_run(self, tmp_path):
        code = "[__import__('os').mkdir('" + (tmp_path / "made").as_posix() + "')]"
        found = movielens.load(write(tmp_path, changed(OWN, "movies.csv", "Drama|War", code)))
        assert found.movies["movie_genres"][0] == [code]
        assert not (tmp_path / "made").exists()

    def test_a_title_may_hold_a_line_break_and_quotes(self, tmp_path):
        files = changed(ML_LATEST, "movies.csv", "Harbor (1994)", '"Har""b""or\n(1994)"')
        found = movielens.load(write(tmp_path, files))
        assert found.movies["movie_title"][1] == 'Har"b"or\n(1994)'
        files["movies.csv"] += "40,x\n"
        with pytest.raises(ValueError, match=r"movies.csv, line 6: expected 3 fields"):
            movielens.load(write(tmp_path, files))


BAD_LINES = [
    # a rating's fields
    ("100k", "u.data", "\t881250940", "", 2, "expected 4 fields separated by '\\\\t', got 3"),
    ("100k", "u.data", "\t881250940", "\t881250940\t1", 2, "expected 4 fields .* got 5"),
    ("100k", "u.data", "\t881250949", "\t881250949\t1", 1, "expected 4 fields .* got 5"),
    ("1m", "ratings.dat", "::978300750", "", 2, "expected 4 fields separated by '::', got 3"),
    ("1m", "ratings.dat", "1::10::4", "1:10::4", 1, "expected 4 fields .* got 3"),
    ("latest", "ratings.csv", ",964982700", "", 3, "expected 4 fields separated by ',', got 3"),
    ("latest", "ratings.csv", ",964982703", ",964982703,1", 2, "expected 4 fields .* got 5"),
    ("latest", "ratings.csv", "1,20,3.5", "\n1,20,3.5", 3, "expected 4 fields .* got 0"),
    ("own", "ratings.csv", "bob,y,9", "bob,y,9,1", 3, "expected 4 fields .* got 5"),
    # numbers
    ("100k", "u.data", "\t4\t", "\tfour\t", 1, "user_rating must be a number, got 'four'"),
    ("1m", "ratings.dat", "::4::", "::::", 1, "user_rating must be a number, got ''"),
    ("latest", "ratings.csv", "3.5", "x", 3, "rating must be a number, got 'x'"),
    ("latest", "ratings.csv", "3.5", "nan", 3, "rating must be a number, got 'nan'"),
    ("latest", "ratings.csv", "3.5", "inf", 3, "stars must be 0.5 to 5 .* got inf"),
    ("latest", "ratings.csv", "3.5", "", 3, "rating must be a number, got ''"),
    ("latest", "ratings.csv", "964982700", "9649.5", 3, "timestamp must be whole seconds, got"),
    ("latest", "ratings.csv", "964982700", "9" * 20, 3, "timestamp must be whole seconds, got"),
    ("latest", "ratings.csv", "1,20", "1,2_0", 3, "movieId must be a whole number, got '2_0'"),
    ("latest", "ratings.csv", "1,20", "-1,20", 3, "userId must be a whole number, got '-1'"),
    ("own", "ratings.csv", "ann", "", 2, "user_id must be some text, got ''"),
    # the scale
    ("100k", "u.data", "\t4\t", "\t4.5\t", 1, "stars must be 1 to 5 in steps of 1, got 4.5"),
    ("100k", "u.data", "\t4\t", "\t6\t", 1, "stars must be 1 to 5 in steps of 1, got 6"),
    ("1m", "ratings.dat", "::4::", "::0::", 1, "stars must be 1 to 5 in steps of 1, got 0"),
    ("latest", "ratings.csv", "3.5", "5.5", 3, "stars must be 0.5 to 5 in steps of 0.5, got 5.5"),
    ("latest", "ratings.csv", "3.5", "3.25", 3, "stars must be 0.5 to 5 .* got 3.25"),
    ("latest", "ratings.csv", "3.5", "0", 3, "stars must be 0.5 to 5 .* got 0"),
    ("latest", "ratings.csv", "3.5", "-3.5", 3, "stars must be 0.5 to 5 .* got -3.5"),
    # the time
    ("100k", "u.data", "881250945", "0", 3, "timestamp must be .* 788918400 .* or later, got 0"),
    ("1m", "ratings.dat", "978300755", "-9", 3, "timestamp must be .* or later, got -9"),
    ("latest", "ratings.csv", "964982700", "788918399", 3, "timestamp must be .* got 788918399"),
    # one row against the others
    (
        "100k",
        "u.data",
        "2\t10",
        "2\t20",
        3,
        "user_id '2', movie_id '20' stands there a second time",
    ),
    (
        "1m",
        "ratings.dat",
        "2::10",
        "2::20",
        3,
        "user_id '2', movie_id '20' stands there a second time",
    ),
    (
        "latest",
        "ratings.csv",
        "1,20",
        "1,10",
        3,
        "user_id '1', movie_id '10' stands there a second time",
    ),
    ("latest", "ratings.csv", "1,20", "1,77", 3, "movie_id '77' is not in movies.csv"),
    ("100k", "u.data", "2\t20", "2\t77", 2, "movie_id '77' is not in u.item"),
    ("1m", "ratings.dat", "2::20", "9::20", 2, "user_id '9' is not in users.dat"),
    ("own", "ratings.csv", "bob", "eve", 3, "user_id 'eve' is not in users.csv"),
    ("own", "ratings.csv", ",y,", ",q,", 3, "movie_id 'q' is not in movies.csv"),
    ("100k", "u.user", "3|7", "1|7", 3, "user_id '1' stands there a second time"),
    ("latest", "movies.csv", "30,", "10,", 4, "movie_id '10' stands there a second time"),
    # people and films
    ("100k", "u.user", "|24|", "|old|", 1, "age must be an age in years, got 'old'"),
    ("100k", "u.user", "|F|", "|X|", 2, "gender must be F or M, got 'X'"),
    ("100k", "u.user", "|other", "", 2, "expected 5 fields separated by '|', got 4"),
    ("100k", "u.item", "http://films.example/1|0", "http://films.example/1|2", 2, "unknown must"),
    ("1m", "users.dat", "::16::", "::21::", 2, "occupation must be a code from 0 to 20, got '21'"),
    ("1m", "movies.dat", "Harbor", "Har::bor", 2, "expected 3 fields separated by '::', got 4"),
    ("latest", "movies.csv", ",War", ",Wa", 4, "genres must be MovieLens genres .* got 'Wa'"),
    ("latest", "movies.csv", ",War", ",War|", 4, "genres must be MovieLens genres .* got 'War|'"),
    (
        "1m",
        "movies.dat",
        "Action|Sci-Fi",
        "Action,Sci-Fi",
        1,
        "genres must be MovieLens genres .* got 'Act",
    ),
    ("latest", "movies.csv", ",War", "", 4, "expected 3 fields separated by ',', got 2"),
    ("latest", "movies.csv", "1984", "", 4, "title must be some text, got ''"),
    ("latest", "movies.csv", '(1995)"', "(1995)", 2, "expected comma-separated text"),
    ("own", "users.csv", ",Bonn", "", 3, "expected 2 fields separated by ',', got 1"),
    # the header
    ("latest", "ratings.csv", "rating,", "stars,", 1, "expected the columns .* got .*'stars'"),
    ("latest", "movies.csv", "title", "name", 1, "expected the columns .* got .*'name'"),
    ("latest", "ratings.csv", "userId,movieId,rating,timestamp\n", "", 1, "expected the columns"),
    ("own", "users.csv", "user_id", "user", 1, "expected the columns"),
]

SWAPS = [
    ("100k", "u.data", "\t", (0, 1), "movie_id '1' is not in u.item"),
    ("100k", "u.data", "\t", (0, 2), "user_id '4' is not in u.user"),
    ("100k", "u.data", "\t", (0, 3), "timestamp must be seconds since 1970, .* got 1"),
    ("100k", "u.data", "\t", (1, 2), "stars must be 1 to 5 in steps of 1, got 10"),
    ("100k", "u.data", "\t", (1, 3), "timestamp must be seconds since 1970, .* got 10"),
    ("100k", "u.data", "\t", (2, 3), "stars must be 1 to 5 in steps of 1, got 8"),
    ("100k", "u.user", "|", (1, 2), "age must be an age in years, got 'M'"),
    ("100k", "u.user", "|", (3, 4), "occupation must be an occupation .* got '85711'"),
    ("100k", "u.item", "|", (1, 2), "title must be a title, got '01-Jan-1995'"),
    ("1m", "ratings.dat", "::", (0, 1), "movie_id '1' is not in movies.dat"),
    ("1m", "ratings.dat", "::", (0, 2), "user_id '4' is not in users.dat"),
    ("1m", "ratings.dat", "::", (0, 3), "timestamp must be seconds since 1970, .* got 1"),
    ("1m", "ratings.dat", "::", (1, 2), "stars must be 1 to 5 in steps of 1, got 10"),
    ("1m", "ratings.dat", "::", (1, 3), "timestamp must be seconds since .* got 10"),
    ("1m", "ratings.dat", "::", (2, 3), "stars must be 1 to 5 in steps of 1, got 9"),
    ("1m", "users.dat", "::", (1, 2), "gender must be F or M, got '1'"),
    ("1m", "movies.dat", "::", (1, 2), "genres must be MovieLens genres .* got 'Café"),
    ("latest", "ratings.csv", ",", (0, 1), "movie_id '1' is not in movies.csv"),
    ("latest", "ratings.csv", ",", (0, 2), "userId must be a whole number, got '4.0'"),
    ("latest", "ratings.csv", ",", (0, 3), "timestamp must be seconds since .* got 1"),
    ("latest", "ratings.csv", ",", (1, 3), "timestamp must be seconds since .* got 10"),
    ("latest", "ratings.csv", ",", (2, 3), "timestamp must be whole seconds, got '4.0'"),
    ("own", "ratings.csv", ",", (0, 1), "timestamp must be whole seconds, got 'ann'"),
    ("own", "ratings.csv", ",", (1, 2), "movie_id 'ann' is not in movies.csv"),
    ("own", "ratings.csv", ",", (2, 3), "user_rating must be a number, got 'x'"),
]


class TestWrong:
    @pytest.mark.parametrize("bad", BAD_LINES, ids=lambda bad: "-".join(map(str, bad[:5])))
    def test_lines(self, tmp_path, bad):
        kind, name, old, new, line, what = bad
        write(tmp_path, changed(KINDS[kind], name, old, new))
        what = what.replace("|", r"\|")
        with pytest.raises(ValueError, match=rf"{re.escape(name)}, line {line}: {what}"):
            movielens.load(tmp_path)

    @pytest.mark.parametrize(
        ("kind", "name"),
        [(kind, name) for kind in ("100k", "1m", "latest") for name in KINDS[kind]],
    )
    def test_missing_files(self, tmp_path, kind, name):
        write(tmp_path, KINDS[kind])
        (tmp_path / name).unlink()
        with pytest.raises(FileNotFoundError, match=rf"{re.escape(name)} is missing"):
            movielens.load(tmp_path)

    @pytest.mark.parametrize(("kind", "name"), FILES)
    def test_a_folder_in_place_of_a_file(self, tmp_path, kind, name):
        write(tmp_path, KINDS[kind])
        (tmp_path / name).unlink()
        (tmp_path / name).mkdir()
        with pytest.raises(FileNotFoundError, match=rf"{re.escape(name)} is a folder, expected a"):
            movielens.load(tmp_path)

    @pytest.mark.parametrize(
        ("last", "what"),
        [
            ("8,x,Zoo,4,3", "movie_id 'x' has the title 'Zoo', and before that 'Xenia'"),
            ("8,x,,4,3", "movie_title must be an integer or a string that is not empty, got ''"),
            ("8,x,Xenia,1e300,3", "user_rating must be a finite number, got 1e+300"),
            ('7,y,"Y\nes",4,3', "user_id '7', movie_id 'y' stands there a second time"),
        ],
    )
    def test_what_movies_refuse_is_said_of_file_and_line(self, tmp_path, last, what):
        ratings = "user_id,movie_id,movie_title,user_rating,timestamp\n"
        ratings += f'7,x,Xenia,4,1\n7,y,"Y\nes",3,2\n{last}\n'
        write(tmp_path, {"ratings.csv": ratings})
        with pytest.raises(ValueError, match=re.escape(f"ratings.csv, line 5: {what}")):
            movielens.load(tmp_path)

    def test_own_ratings_without_titles(self, tmp_path):
        write(tmp_path, {"ratings.csv": OWN["ratings.csv"]})
        with pytest.raises(FileNotFoundError, match=r"movies.csv is missing, and .* movie_title"):
            movielens.load(tmp_path)

    @pytest.mark.parametrize(("kind", "name"), FILES)
    def test_empty_files(self, tmp_path, kind, name):
        write(tmp_path, KINDS[kind] | {name: ""})
        with pytest.raises(ValueError, match=re.escape(name)):
            movielens.load(tmp_path)

    @pytest.mark.parametrize("name", ML_LATEST)
    def test_header_alone(self, tmp_path, name):
        header = ML_LATEST[name].splitlines()[0] + "\n"
        write(tmp_path, ML_LATEST | {name: header})
        with pytest.raises(ValueError, match=rf"{name} has no line of data"):
            movielens.load(tmp_path)

    @pytest.mark.parametrize(
        ("kind", "name"), [("100k", "u.data"), ("1m", "ratings.dat"), ("latest", "ratings.csv")]
    )
    @pytest.mark.parametrize("cut", [2, 5, 11, 12, 13])
    def test_cut_off(self, tmp_path, kind, name, cut):
        write(tmp_path, KINDS[kind] | {name: KINDS[kind][name][:-cut]})
        with pytest.raises(ValueError, match=rf"{re.escape(name)}, (last line|line \d): "):
            movielens.load(tmp_path)

    @pytest.mark.parametrize(
        ("kind", "name"),
        [f for f in FILES if f[0] != "own" and f[1] not in ("u.user", "users.dat")],
    )
    def test_cut_off_in_the_last_line(self, tmp_path, kind, name):
        """Half a line is refused, wherever it ends (a zip code and a file of one's own apart)."""
        text = KINDS[kind][name]
        write(tmp_path, KINDS[kind])
        for end in range(text.rindex("\n", 0, -1) + 2, len(text) - 1):
            write(tmp_path, {name: text[:end]})
            with pytest.raises(ValueError, match=rf"{re.escape(name)}, (last line|line \d): "):
                movielens.load(tmp_path)

    def test_own_ratings_that_end_in_a_time(self, tmp_path):
        ratings = "user_id,movie_id,movie_title,user_rating,timestamp\n"
        ratings += "7,x,Xenia,4,1700000000\n7,y,Yes,3,170000"
        write(tmp_path, {"ratings.csv": ratings})
        with pytest.raises(ValueError, match=r"ratings.csv, last line: .* timestamp 170000, exp"):
            movielens.load(tmp_path)

    @pytest.mark.parametrize(("kind", "name"), FILES)
    def test_lines_twice(self, tmp_path, kind, name):
        lines = KINDS[kind][name].splitlines()
        write(tmp_path, KINDS[kind] | {name: "\n".join([*lines, lines[-1]]) + "\n"})
        what = rf"{re.escape(name)}, line {len(lines) + 1}: .* a second time"
        with pytest.raises(ValueError, match=what):
            movielens.load(tmp_path)

    @pytest.mark.parametrize("swap", SWAPS, ids=lambda swap: "-".join(map(str, swap[:4])))
    def test_swapped_columns(self, tmp_path, swap):
        """Where no header says what a column is, or where it says something else."""
        kind, name, separator, columns, message = swap
        headed = kind in ("latest", "own")
        text = swapped(KINDS[kind][name], separator, *columns, header=not headed)
        write(tmp_path, KINDS[kind] | {name: text})
        with pytest.raises(ValueError, match=rf"{name}, line {1 + headed}: {message}"):
            movielens.load(tmp_path)

    @pytest.mark.parametrize(("kind", "name"), FILES)
    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
    def test_wide_encodings(self, tmp_path, kind, name, encoding):
        write(tmp_path, KINDS[kind] | {name: KINDS[kind][name].encode(encoding)})
        with pytest.raises(ValueError, match=rf"{re.escape(name)}, line 1: .*(must be|expected)"):
            movielens.load(tmp_path)

    def test_wrong_encoding(self, tmp_path):
        write(tmp_path, ML_LATEST)
        (tmp_path / "movies.csv").write_bytes(ML_LATEST["movies.csv"].encode("latin-1"))
        with pytest.raises(ValueError, match=r"movies.csv, line 2: expected UTF-8, got b'10,"):
            movielens.load(tmp_path)
        (tmp_path / "movies.csv").write_bytes(ML_LATEST["movies.csv"].encode("utf-16"))
        with pytest.raises(ValueError, match=r"movies.csv, line 1: expected"):
            movielens.load(tmp_path)

    def test_unknown_folders(self, tmp_path):
        with pytest.raises(ValueError, match=r"not a MovieLens folder: expected .* found \[\]"):
            movielens.load(tmp_path)
        (tmp_path / "notes.txt").write_text("nothing")
        with pytest.raises(ValueError, match=r"expected u.data.* found \['notes.txt'\]"):
            movielens.load(tmp_path)
        for path in (tmp_path / "nowhere", tmp_path / "notes.txt"):
            with pytest.raises(FileNotFoundError, match=f"there is no folder {path}"):
                movielens.load(path)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"MovieLens is not at {REAL}")
class TestReal:
    def test_ml_latest_small(self):
        found = movielens.load(REAL)
        assert len(found.ratings) == 100_836
        assert found.users.shape == (610, 1)
        assert len(found.movies) == 9_742
        assert found.ratings["movie_id"].nunique() == 9_724
        assert found.movies["movie_title"].duplicated().sum() == 5
        assert sorted(found.ratings["user_rating"].unique()) == list(np.arange(0.5, 5.5, 0.5))
        toy_story = found.movies.set_index("movie_id").loc["1"]
        assert toy_story["movie_title"] == "Toy Story (1995)"
        assert toy_story["movie_genres"][:2] == ["Adventure", "Animation"]
        assert (found.movies["movie_genres"].map(len) == 0).sum() == 34

    def test_ml_latest_small_with_people_for_films(self, tmp_path):
        text = swapped((REAL / "ratings.csv").read_text(), ",", 0, 1, header=False)
        write(tmp_path, {"ratings.csv": text, "movies.csv": (REAL / "movies.csv").read_bytes()})
        with pytest.raises(ValueError, match=r"ratings.csv, line \d+: movie_id '\d+' is not in m"):
            movielens.load(tmp_path)
