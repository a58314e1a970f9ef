"""Small files of each kind of MovieLens data, and ways to change them."""

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


def changed(files, name, old, new):
    assert files[name].count(old) == 1
    return files | {name: files[name].replace(old, new)}


def swapped(text, separator, first, second, header=True):
    """The same lines with two columns in each other's place; the header only if it says so."""
    lines = [line.split(separator) for line in text.splitlines()]
    for line in lines if header else lines[1:]:
        line[first], line[second] = line[second], line[first]
    return "".join(separator.join(line) + "\n" for line in lines)
