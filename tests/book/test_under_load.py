"""What serving/under_load serves, and the two files beside it: the client, and the replica."""

import recutils
from recutils import datasets, synthetic
from recutils.models import BiasedDotProduct, CorrectedTwoTowers

import asyncio
import importlib.util
import json
import sys
import threading
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tools.chapter import Chapter
from tools.reports import BOOK

web = pytest.importorskip("aiohttp.web", reason="aiohttp comes with requirements-dev.txt")


FOLDER = BOOK / "serving"


def module(path, **given):
    """A file as a module that starts with these names."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = loaded
    vars(loaded).update(given)
    spec.loader.exec_module(loaded)
    return loaded


load_generator = module(FOLDER / "load_generator.py")


class Service:
    """A service in a thread of this process: `behave(question, number of its requests)` answers.

    With a crowd, nobody is answered before so many have asked.
    """

    def __init__(self, behave, crowd=0):
        self.behave, self.seen, self.crowd = behave, Counter(), crowd
        self.loop, self.ready = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=self.run)

    async def handle(self, request):
        question = await request.json()
        self.seen[question["id"]] += 1
        seconds, status = self.behave(question, self.seen[question["id"]])
        await asyncio.sleep(seconds)
        while len(self.seen) < self.crowd:
            await asyncio.sleep(0.01)
        return web.json_response({"id": question["id"], "made_for": question["id"]}, status=status)

    def run(self):
        asyncio.set_event_loop(self.loop)
        application = web.Application()
        application.router.add_post("/", self.handle)
        runner = web.AppRunner(application)
        self.loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self.loop.run_until_complete(site.start())
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        self.ready.set()
        self.loop.run_forever()
        self.loop.run_until_complete(runner.cleanup())
        self.loop.close()

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)


def run(beginning, folder, **given):
    """What the chapter's cell with a line that begins so defines, if it is given these names."""
    cells = [cell.source for cell in Chapter.read(FOLDER / "under_load.ipynb").codes]
    (found,) = [source for source in cells if f"\n{beginning}" in f"\n{source}"]
    (folder / "cell.py").write_text(found, encoding="utf-8")
    return module(folder / "cell.py", **given)


def test_two_stages_give_the_best_of_a_hundred_films(tmp_path):
    def index(user_id, k):
        """The first k films, for everyone."""
        return None, tf.tile(tf.range(k)[None], [tf.size(user_id), 1])

    def ranker(pairs):
        """One person likes late films; to the other, a film is worse the farther it is from 50."""
        number = tf.strings.to_number(pairs["movie_id"])
        return tf.where(pairs["user_id"] == "late", number, -tf.abs(number - 50.2))[:, None]

    films = [f"{number}" for number in range(300)]
    service = run("class TwoStages", tmp_path, tf=tf, films=films, ranker=ranker).TwoStages(index)
    answer = service.recommend(tf.constant(["late", "middle"]), tf.constant([3, 3]))
    best = answer["movie_id"].numpy().astype(str).tolist()
    assert best == [["99", "98", "97"], ["50", "51", "49"]]
    expected = [[99, 98, 97], [-0.2, -0.8, -1.2]]
    np.testing.assert_allclose(answer["stars"], expected, rtol=1e-4)


def test_the_ranker_has_learnt_what_stars_are(tmp_path):
    small = synthetic.movies(100, 300, 10_000, seed=1)
    package = SimpleNamespace(load_movies=lambda: small, set_seed=recutils.set_seed)
    names = {"BiasedDotProduct": BiasedDotProduct, "CorrectedTwoTowers": CorrectedTwoTowers}
    ranker = run("ranker = ", tmp_path, recutils=package, datasets=datasets, tf=tf, **names).ranker
    ratings = small.ratings
    pairs = {name: tf.constant(ratings[name].to_numpy(object)) for name in ("user_id", "movie_id")}
    stars = ratings["user_rating"].to_numpy()
    assert np.sqrt(np.mean((ranker(pairs).numpy()[:, 0] - stars) ** 2)) < stars.std()


def questions(count):
    return [{"id": f"q{n}"} for n in range(count)]


def counts(client):
    return Counter(answer["id"] for answer in client.delivered)


def test_a_schedule_is_a_poisson_process():
    times = load_generator.schedule(100, 20_000, seed=1)
    gaps = np.diff(times)
    assert gaps.min() > 0
    assert gaps.mean() == pytest.approx(0.01, rel=0.03)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.03)


@pytest.mark.parametrize(("rate", "requests"), [(0, 5), (-1, 5), (5, 0)])
def test_an_impossible_schedule(rate, requests):
    with pytest.raises(ValueError, match=f"got {rate} and {requests}"):
        load_generator.schedule(rate, requests)


def test_an_open_loop_sends_everything_while_nothing_comes_back():
    """Nobody is answered before all have asked: a loop that waits would hang."""
    with Service(lambda question, number: (0, 200), crowd=20) as service:
        client = load_generator.run(
            load_generator.Client(service.url), questions(20), np.linspace(0, 0.1, 20)
        )
    outcomes = client.outcomes.values()
    assert len(client.delivered) == 20
    assert max(o.sent for o in outcomes) <= min(o.done for o in outcomes)
    assert all(o.sent >= o.planned for o in outcomes)


def test_a_closed_loop_waits():
    with Service(lambda question, number: (0.05, 200)) as service:
        client = load_generator.run(load_generator.Client(service.url), questions(6), clients=2)
    sent = sorted(o.sent for o in client.outcomes.values())
    assert sent[2] >= 0.05
    assert sent[4] >= 0.1


@pytest.mark.parametrize("status", [503, 500])
def test_refused_or_broken_it_asks_again_with_the_same_id(status):
    with Service(lambda q, number: (0, status if number < 3 else 200)) as service:
        client = load_generator.run(
            load_generator.Client(service.url, pause=0.001), questions(10), np.zeros(10)
        )
    assert service.seen == Counter({q["id"]: 3 for q in questions(10)})
    assert counts(client) == Counter({q["id"]: 1 for q in questions(10)})
    assert sum(o.refused for o in client.outcomes.values()) == (20 if status == 503 else 0)
    assert sum(o.failed for o in client.outcomes.values()) == (0 if status == 503 else 20)


def test_it_gives_up_after_so_many_attempts():
    with Service(lambda question, number: (0, 503)) as service:
        client = load_generator.run(
            load_generator.Client(service.url, pause=0.001, attempts=4), questions(3), np.zeros(3)
        )
    assert client.delivered == []
    assert all(o.done is None and o.attempts == 4 for o in client.outcomes.values())


@pytest.mark.parametrize("once", [True, False])
def test_a_late_answer_is_handed_on_only_by_a_careless_client(once):
    with Service(lambda question, number: (2.0 if number == 1 else 0, 200)) as service:
        client = load_generator.run(
            load_generator.Client(service.url, patience=0.5, attempts=2, once=once),
            questions(5),
            np.zeros(5),
        )
    assert service.seen == Counter({q["id"]: 2 for q in questions(5)})
    assert counts(client) == Counter({q["id"]: 1 if once else 2 for q in questions(5)})
    assert client.late == (5 if once else 0)


def test_nobody_listens():
    client = load_generator.run(
        load_generator.Client("http://127.0.0.1:9/", pause=0.001, attempts=2), questions(2)
    )
    assert all(o.failed == 2 for o in client.outcomes.values())


def test_an_event_happens_when_its_question_is_due():
    happened = []
    with Service(lambda question, number: (0, 200)) as service:
        load_generator.run(
            load_generator.Client(service.url),
            questions(5),
            np.linspace(0, 0.2, 5),
            events={3: lambda: happened.append(len(service.seen))},
        )
    assert happened == [3]


def test_ids_and_times_are_checked():
    client = load_generator.Client("http://127.0.0.1:9/")
    with pytest.raises(ValueError, match="id of its own"):
        load_generator.run(client, [{"id": "a"}, {"id": "a"}])
    with pytest.raises(ValueError, match="2 questions need as many times, got 1"):
        load_generator.run(client, questions(2), [0.0])


def test_without_ray_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install -r requirements-dev\.txt"):
        module(FOLDER / "load_service.py")


class Table:
    """A model of TensorFlow's kind: person -> films p0, p1 …, with stars that fall."""

    def __init__(self):
        self.signatures = {"serving_default": self.recommend}

    @staticmethod
    def recommend(user_id, k):
        width = int(k.numpy().max())
        films = [[user + f"{n}".encode() for n in range(width)] for user in user_id.numpy()]
        stars = np.tile(np.linspace(5, 4, width), (len(films), 1))
        as_tensor = [SimpleNamespace(numpy=lambda v=v: v) for v in (np.array(films), stars)]
        return dict(zip(("movie_id", "stars"), as_tensor, strict=True))


def test_a_batch_is_answered_each_with_its_own():
    pytest.importorskip("ray", reason="Ray comes with requirements-dev.txt")
    service = module(FOLDER / "load_service.py")
    replica = object.__new__(service.Recommender.func_or_class)
    replica.now = Table(), "exact/3", 16
    asked = [{"id": f"q{n}", "user_id": f"p{n}", "k": 1 + n} for n in range(5)]
    answers = replica.answer(asked)
    for n, (question, answer) in enumerate(zip(asked, answers, strict=True)):
        assert (answer["id"], answer["user_id"]) == (question["id"], question["user_id"])
        assert answer["movie_id"] == [f"p{n}{place}" for place in range(1 + n)]
        assert len(answer["stars"]) == 1 + n
        assert answer["version"] == "exact/3"
        assert answer["batch"] == 5
    json.dumps(answers)  # what Ray Serve does with them


@pytest.mark.parametrize(("failures", "seconds"), [(2, 5.0), (99, 0.15)])
def test_a_slow_start_is_waited_for_but_not_forever(failures, seconds):
    pytest.importorskip("ray", reason="Ray comes with requirements-dev.txt")
    asked = []

    def ask(name):
        asked.append(name)
        if len(asked) <= failures:
            raise RuntimeError("not there yet")
        return "here"

    asking = module(FOLDER / "load_service.py").patient(ask, seconds)
    if failures == 2:
        assert asking("node") == "here"
        assert asked == 3 * ["node"]
    else:
        with pytest.raises(RuntimeError, match="not there yet"):
            asking("node")
        assert len(asked) < 5


QUESTIONS = [{"id": "a"}, {"id": "b"}]
URL = "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.nan, 5), ValueError, "must be positive, got nan and 5"),
        ((np.inf, 5), ValueError, "must be positive, got inf and 5"),
        (("5", 5), ValueError, "must be positive, got 5 and 5"),
        ((5, 2.5), TypeError, r"requests must be an int, got 2\.5"),
        ((5, 10**15), ValueError, "requests must be at most 100000000 .* got 1000000000000000"),
        ((5, 5, -1), ValueError, "seed at least 0, got 5 and -1"),
        ((5, 5, "x"), TypeError, "seed must be an int, got 'x'"),
    ],
)
def test_a_schedule_of_nonsense(arguments, error, message):
    with pytest.raises(error, match=message):
        load_generator.schedule(*arguments)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": ""}, "url must begin with http:// or https://, got ''"),
        ({"url": None}, "url must begin with http:// or https://, got None"),
        ({"attempts": 0}, "attempts must be a positive number, got 0"),
        ({"patience": np.nan}, "patience must be a positive number, got nan"),
        ({"pause": -1}, "pause must be a positive number, got -1"),
        ({"limit": "x"}, "limit must be a positive number, got 'x'"),
    ],
)
def test_a_client_that_would_ask_nobody(settings, message):
    with pytest.raises(ValueError, match=message):
        load_generator.Client(**{"url": URL} | settings)


@pytest.mark.parametrize(
    ("asked", "more", "error", "message"),
    [
        ([], {}, ValueError, "questions must not be empty"),
        (None, {}, TypeError, "questions must be a list, got NoneType"),
        ([{"user_id": "1"}], {}, ValueError, r"questions\[0\] must have an id, a string"),
        (["a"], {}, ValueError, r"questions\[0\] must have an id, a string, got 'a'"),
        (QUESTIONS, {"clients": 0}, ValueError, "clients must be an int of at least 1, got 0"),
        (QUESTIONS, {"times": [0.0, np.nan]}, ValueError, r"times must be .* got \[nan\]"),
        (QUESTIONS, {"times": [1.0, 0.0]}, ValueError, r"rising, got \[1.0, 0.0\]"),
        (QUESTIONS, {"events": {0: print}}, ValueError, "of an open loop, 0 to 1, got 0"),
        (QUESTIONS, {"times": [0, 0], "events": {7: print}}, ValueError, "0 to 1, got 7"),
        (QUESTIONS, {"times": [0, 0], "events": {0: 3}}, ValueError, "got 0: 3"),
    ],
)
def test_what_no_run_can_ask(asked, more, error, message):
    with pytest.raises(error, match=message):
        load_generator.run(load_generator.Client(URL, attempts=1), asked, **more)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": None}, "model must be a folder that exists, got None"),
        ({"model": "/nowhere"}, "model must be a folder that exists, got '/nowhere'"),
        ({"arrivals": __file__}, "arrivals must be a folder that exists"),
        ({"batch": 0}, "batch must be an int of at least 1, got 0"),
        ({"batch": "many"}, "batch must be an int of at least 1, got 'many'"),
        ({"wait": np.nan}, "wait must be a number of at least 0, got nan"),
        ({"replicas": "0"}, "replicas must be an int of at least 1, got '0'"),
        ({"queue": -2}, "queue must be an int of at least -1, got -2"),
        ({"replica": 3}, r"queue; got \['replica'\]"),
    ],
)
def test_settings_with_which_no_replica_starts(tmp_path, change, message):
    pytest.importorskip("ray", reason="Ray comes with requirements-dev.txt")
    service = module(FOLDER / "load_service.py")
    good = {"model": tmp_path, "arrivals": str(tmp_path), "batch": "16", "queue": -1, "wait": 0.01}
    service.check(good)
    with pytest.raises(ValueError, match=message):
        service.check(good | change)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        ({"k": 100}, ""),
        ({"k": 101}, "k must be an int from 1 to 100, got 101"),
        ({"k": 0}, "k must be an int from 1 to 100, got 0"),
        ({"k": "10"}, "k must be an int from 1 to 100, got '10'"),
        ({"k": True}, "k must be an int from 1 to 100, got True"),
        ({"user_id": 7}, "user_id must be a string, got 7"),
        ({"id": None}, "id must be a string, got None"),
    ],
)
def test_a_bad_question_is_told_before_it_meets_others(change, problem):
    pytest.importorskip("ray", reason="Ray comes with requirements-dev.txt")
    service = module(FOLDER / "load_service.py")
    assert service.problem_of({"id": "q", "user_id": "1", "k": 10} | change) == problem
    assert service.problem_of([1]).startswith("a question must be a JSON object")


class Request:
    def __init__(self, body):
        self.body = body

    async def json(self):
        return json.loads(self.body)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"id": "q", "user_id": "1", "k": 1000}'])
def test_a_bad_question_is_refused_alone(body):
    """It leaves no arrival behind, and reaches neither the batch nor the model."""
    pytest.importorskip("ray", reason="Ray comes with requirements-dev.txt")
    service = module(FOLDER / "load_service.py")
    replica = object.__new__(service.Recommender.func_or_class)
    answer = asyncio.run(replica(Request(body)))
    assert answer.status_code == 400
    assert "must be" in json.loads(answer.body)["error"]
