"""Lines of files that can't be right: errors name the file, the line and what was expected."""

from recutils import movielens

import re

import pytest
from movielens_files import FILES, KINDS, ML_LATEST, OWN, changed, swapped, write

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
            ("8,x,Zoo,4,3", "movie_id 'x' has the title 'Zoo', and earlier 'Xenia'"),
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
