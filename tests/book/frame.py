"""The frame of a chapter, rule by rule.

Each rule takes a chapter and gives back what is wrong, in sentences; nothing if it is kept.
"""

import ast
import base64
import itertools
import re
import socket
from collections import Counter
from collections.abc import Callable

from exercises import exercises as gates_of
from nbformat import NotebookNode
from prose import DECIMAL, digits, figure, formulas, mystnb, prose

from tools import claims, notebooks
from tools.chapter import UNCHECKED, Chapter, printed, tags

# Titles say what the reader does; a new title may need a new verb here.
_VERBS = """
    Ask Build Check Choose Close Compare Cross Do Does Explain Export Find Fit Grow Join Judge Keep
    Know Learn Look Make Measure Meet Move Open Order Outgrow Predict Put Race Rank Recommend Save
    Scale Search See Serve Ship Take Teach Test Train Trust Tune Understand Use
"""
VERBS = frozenset(_VERBS.split())
LONGEST_CELL = 25
LONGEST_CLASS = 45
LARGEST_FIGURE = 100_000
LOCAL = re.compile(
    r"/(?:home|Users|root|tmp|work|mnt|var|private|opt)/\S*|\b[A-Z]:\\\S*|\S*site-packages\S*"
    r"|ipykernel_\d+|0x[0-9a-fA-F]{6,}"
)

Rule = Callable[[Chapter], list[str]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Names a rule after its function."""
    RULES[function.__name__.replace("_", " ")] = function
    return function


def opening(chapter: Chapter) -> str:
    """Markdown above the first code cell."""
    above = itertools.takewhile(lambda cell: cell.cell_type != "code", chapter.cells)
    return "\n\n".join(cell.source for cell in above)


def kinds(cell: NotebookNode) -> list[str]:
    """Media types of all that a code cell shows."""
    return [kind for output in cell.outputs for kind in output.get("data", {})]


def figures(chapter: Chapter) -> list[NotebookNode]:
    """Code cells that show an image."""
    return [c for c in chapter.codes if any(k.startswith("image/") for k in kinds(c))]


# --- Opening and closing --------------------------------------------------------------------------


@rule
def title_with_a_verb(chapter: Chapter) -> list[str]:
    """One title, on top, that says what the reader does."""
    titles = [text for level, text in chapter.headings if level == 1]
    if len(titles) != 1 or not chapter.cells[0].source.startswith("# "):
        return [f"it should begin with its one title (# …), found {titles}"]
    if re.split(r"\W", titles[0])[0] not in VERBS:
        return [f"the title should begin with a verb, got {titles[0]!r}"]
    return []


@rule
def the_problem_first(chapter: Chapter) -> list[str]:
    """A paragraph between the title and what one learns."""
    before = opening(chapter).partition("**You will learn**")[0]
    words = re.sub(r"^#.*$", "", before, flags=re.MULTILINE).split()
    return [] if len(words) >= 20 else [f"the problem needs a paragraph, got {len(words)} words"]


@rule
def what_you_will_learn(chapter: Chapter) -> list[str]:
    """Three to five skills."""
    bullets = re.findall(r"^[-*] +\S", _under(opening(chapter), "You will learn"), re.MULTILINE)
    if 3 <= len(bullets) <= 5:
        return []
    return [f"**You will learn** should have 3 to 5 bullets above the code, got {len(bullets)}"]


@rule
def what_you_need(chapter: Chapter) -> list[str]:
    """Links to what comes before."""
    need = _under(opening(chapter), "You need")
    linked = re.search(r"\]\([^)]+\)|\{(?:doc|ref|term)\}`", need)
    return [] if linked else ["**You need** should link to what the reader should know"]


@rule
def time_to_read_and_run(chapter: Chapter) -> list[str]:
    """How long it takes."""
    time = _under(opening(chapter), "Time")
    unit = r"(?:s|sec|seconds?|min|minutes?|h|hours?)\b"
    times = re.findall(rf"(?:\d+|\ban?|\bone|\btwo)\s+{unit}", time)
    return [] if len(times) >= 2 else ["**Time** should give minutes to read and to run"]


def _under(markdown: str, label: str) -> str:
    match = re.search(rf"\*\*{label}:?\*\*:?(.*?)(?=\n\s*\*\*[A-Z]|\n#|\Z)", markdown, re.DOTALL)
    return match[1] if match else ""


@rule
def closing_sections(chapter: Chapter) -> list[str]:
    """What you learned, then where next, at the end."""
    last = [text for level, text in chapter.headings if level == 2][-3:]
    wanted = [text for text in last if text in ("What you learned", "Where next")]
    if wanted == ["What you learned", "Where next"]:
        return []
    return [f"it should close with “What you learned” and “Where next”, got {last}"]


@rule
def literature(chapter: Chapter) -> list[str]:
    """At least one citation from the bibliography."""
    cited = any(re.search(r"\{cite(?::\w+)?\}`", text) for text in chapter.texts)
    return [] if cited else ["it cites nothing ({cite}`key`)"]


# --- Code -----------------------------------------------------------------------------------------


@rule
def imports_and_seed_in_the_first_cell(chapter: Chapter) -> list[str]:
    """`import recutils` first of all, all imports in one cell, and the seed."""
    problems = []
    trees = [_parse(cell) for cell in chapter.codes]
    body = trees[0].body if trees else []
    if not body or ast.unparse(body[0]) != "import recutils":
        problems.append("the first code cell should begin with `import recutils`")
    if "recutils.set_seed(" not in (chapter.codes[0].source if chapter.codes else ""):
        problems.append("the first code cell should call `recutils.set_seed`")
    for number, tree in enumerate(trees[1:], 2):
        late = [ast.unparse(s) for s in tree.body if isinstance(s, ast.Import | ast.ImportFrom)]
        problems += [f"code cell {number}: `{line}` belongs in the first cell" for line in late]
    return problems


def _parse(cell: NotebookNode) -> ast.Module:
    if cell.source.lstrip().startswith("%%"):
        return ast.Module([], [])
    return ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE))


@rule
def short_cells(chapter: Chapter) -> list[str]:
    """About 15 lines, at most 25; one class may have 45."""
    problems = []
    for number, cell in enumerate(chapter.codes, 1):
        lines = sum(bool(line.strip()) for line in cell.source.splitlines())
        classes = sum(isinstance(s, ast.ClassDef) for s in _parse(cell).body)
        limit = LONGEST_CLASS if classes == 1 else LONGEST_CELL
        if lines > limit:
            problems.append(f"code cell {number} has {lines} lines, at most {limit} are read")
    return problems


@rule
def prose_between_cells(chapter: Chapter) -> list[str]:
    """Never more than three code cells in a row."""
    run, problems = 0, []
    for cell in chapter.cells:
        run = run + 1 if cell.cell_type == "code" else 0
        if run == 4:
            problems.append(f"nobody says what this is for: {cell.source.splitlines()[0]}")
    return problems


@rule
def no_trailing_semicolon(chapter: Chapter) -> list[str]:
    """nbval runs cells without IPython's rule for them."""
    return [
        f"write `_ = …` instead of a semicolon: {cell.source.splitlines()[-1]}"
        for cell in chapter.codes
        if cell.source.rstrip().endswith(";")
    ]


@rule
def partitions_are_sorted(chapter: Chapter) -> list[str]:
    """What `argpartition` puts first is in an order of its own, another one on each processor."""
    problems = []
    for cell in chapter.codes:
        lines = cell.source.splitlines() if UNCHECKED not in tags(cell) else []
        sorts = [line for line in lines if "sort(" in line]
        for line in lines:
            name = re.escape(line.partition("=")[0].strip())
            in_a_sort = any(re.search(rf"(?<!\w){name}(?!\w)", other) for other in sorts)
            if "argpartition(" in line and not in_a_sort:
                problems.append(f"sort it, or use argsort: {line.strip()}")
    return problems


# --- Outputs --------------------------------------------------------------------------------------


@rule
def normal_form(chapter: Chapter) -> list[str]:
    """Run from the top, no stderr, no metadata of an editor."""
    return notebooks.check(chapter)


@rule
def outputs_of_no_machine(chapter: Chapter) -> list[str]:
    """No folder, no address, no name of the machine on which it ran."""
    host = socket.gethostname()
    problems = []
    for number, cell in enumerate(chapter.codes, 1):
        text = printed(cell) + "".join("".join(o.get("traceback", ())) for o in cell.outputs)
        found = [match[0] for match in LOCAL.finditer(text)]
        if len(host) > 4 and host != "localhost" and host in text:
            found.append(host)
        problems += [f"code cell {number} shows {thing}" for thing in found]
    return problems


@rule
def outputs_for_every_reader(chapter: Chapter) -> list[str]:
    """Nothing that only a live notebook shows: progress bars, widgets."""
    problems = []
    for number, cell in enumerate(chapter.codes, 1):
        if re.search(r"[\b\r]", printed(cell)):
            problems.append(f"code cell {number} draws a progress bar: verbose=0 or verbose=2")
        if any("widget" in kind for kind in kinds(cell)):
            problems.append(f"code cell {number} shows a widget")
    return problems


@rule
def unchecked_outputs_say_so(chapter: Chapter) -> list[str]:
    """Beside a cell with nbval-ignore-output the prose says that its numbers are not checked."""
    problems = []
    for place, cell in enumerate(chapter.cells):
        if UNCHECKED not in tags(cell):
            continue
        beside = [c.source for c in chapter.cells[max(place - 2, 0) : place + 3]]
        if not any(re.search(r"(?:not|n't|never)\s+checked", text) for text in beside):
            problems.append(f"say that this is not checked: {cell.source.splitlines()[0]}")
    return problems


@rule
def two_figures(chapter: Chapter) -> list[str]:
    """At least two."""
    count = len(figures(chapter))
    return [] if count >= 2 else [f"it should have at least 2 figures, got {count}"]


@rule
def figures_for_every_reader(chapter: Chapter) -> list[str]:
    """Each figure has a caption, a name, an alt text that says what one sees, and is small."""
    problems = []
    names = Counter(figure(cell).get("name") for cell in figures(chapter))
    for cell in figures(chapter):
        alt = mystnb(cell, "image").get("alt", "")
        name, caption = str(figure(cell).get("name")), figure(cell).get("caption", "")
        if not name.startswith("fig-") or names[name] > 1:
            problems.append(f"figure name should start with fig- and be the only one, got {name!r}")
        if len(caption.split()) < 4:
            problems.append(f"{name}: the caption should say the message, got {caption!r}")
        if len(alt.split()) < 10 or alt == caption:
            problems.append(f"{name}: the alt text should say what one sees, got {alt!r}")
        images = [
            data
            for output in cell.outputs
            for kind, data in output.get("data", {}).items()
            if kind.startswith("image/")
        ]
        if len(images) > 1:
            problems.append(f"{name}: one cell shows one figure, for it has one alt text")
        for data in images:
            size = (
                len(data.encode()) if data.lstrip().startswith("<") else len(base64.b64decode(data))
            )
            if size > LARGEST_FIGURE:
                problems.append(f"{name} has {size // 1000} kB, at most 100 load quickly")
    return problems


@rule
def conclusions(chapter: Chapter) -> list[str]:
    """Each claim is made once, over at least five trials."""
    found = [c for cell in chapter.codes for c in claims.parse(printed(cell))]
    counts = Counter(c.claim for c in found)
    problems = [f"a claim made twice: {claim}" for claim, count in counts.items() if count > 1]
    # After one split in time it is people who are drawn again.
    few = [c for c in found if c.num_trials < 5 and "people resampled" not in c.trials]
    return problems + [f"too few trials, {c.trials}: {c.claim}" for c in few]


@rule
def main_claims_before_their_evidence(chapter: Chapter) -> list[str]:
    """At most three main claims, in a numbered list above the first cell that tests one."""
    tested = {
        cell.id: [c.claim for c in claims.parse(printed(cell)) if c.main] for cell in chapter.codes
    }
    found = [claim for of_cell in tested.values() for claim in of_cell]
    above = itertools.takewhile(lambda cell: not tested.get(cell.id), chapter.cells)
    named = any(
        cell.cell_type == "markdown"
        and re.search(r"\bmain\b", cell.source)
        and re.search(r"^1\. ", cell.source, re.MULTILINE)
        for cell in above
    )
    problems = [f"at most three main claims, got {len(found)}"] if len(found) > 3 else []
    if found and not named:
        problems.append("a numbered list should name the main claims before a cell tests them")
    return problems


# --- Prose ----------------------------------------------------------------------------------------


@rule
def pitfalls(chapter: Chapter) -> list[str]:
    """A section with at least one pitfall, each followed by code that shows it."""
    headed = any("pitfall" in text.lower() for _, text in chapter.headings)
    problems = [] if headed else ["it should have a heading “Pitfalls”"]
    places = [
        place
        for place, cell in enumerate(chapter.cells)
        if cell.cell_type == "markdown" and "**Pitfall:" in cell.source
    ]
    if not places:
        problems.append("it should show a pitfall: **Pitfall: …**")
    for place in places:
        shown = False
        for cell in chapter.cells[place + 1 :]:
            if cell.cell_type == "markdown" and re.search(r"^#|\*\*Pitfall:", cell.source, re.M):
                break
            shown = shown or cell.cell_type == "code"
        if not shown:
            problems.append(f"no code shows it: {chapter.cells[place].source.splitlines()[0]}")
    return problems


@rule
def exercises(chapter: Chapter) -> list[str]:
    """Three or more, with stars, each with a folded solution that runs."""
    try:
        gates = gates_of(chapter)
    except ValueError as error:
        return [str(error)]
    asked = [g for g in gates if g.kind == "exercise"]
    solved = {g.label: g for g in gates if g.kind == "solution"}
    problems = [] if len(asked) >= 3 else [f"it should have 3 exercises, got {len(asked)}"]
    problems += [
        f"label {label!r} of {count} exercises"
        for label, count in Counter(g.label for g in asked).items()
        if count > 1 or not label
    ]
    for exercise in asked:
        if not re.search(r"[★☆]{3}", exercise.text):
            problems.append(f"exercise {exercise.label} has no stars (★☆☆)")
        solution = solved.get(exercise.label)
        if not solution:
            problems.append(f"exercise {exercise.label} has no solution")
            continue
        if not re.search(r"^:class: *dropdown", solution.options, re.MULTILINE):
            problems.append(f"solution {exercise.label} is not folded (:class: dropdown)")
        if not any(code.execution_count for code in solution.codes):
            problems.append(f"solution {exercise.label} has no code that ran")
    lost = solved.keys() - {g.label for g in asked}
    return problems + [f"solution of no exercise: {label}" for label in sorted(lost)]


@rule
def decimals_in_the_prose(chapter: Chapter) -> list[str]:
    """Every decimal appears in a checked cell nearby: its own, three before it or the next one.

    Further away the same digits mostly mean something else; there they would let a number pass that
    has long changed.
    """
    at = [i for i, cell in enumerate(chapter.cells) if cell.cell_type == "code"]
    problems = []
    for place, cell in enumerate(chapter.cells):
        near = [i for i in at if i <= place][-3:] + [i for i in at if i > place][:1]
        codes = [chapter.cells[i] for i in near]
        text, elsewhere = prose(cell)
        shown = [elsewhere, *formulas(cell.source), *(code.source for code in codes)]
        shown += [printed(code) for code in codes if UNCHECKED not in tags(code)]
        allowed = {digits(number) for part in shown for number in DECIMAL.findall(part)}
        for number in DECIMAL.findall(text):
            if digits(number) not in allowed:
                line = next(line for line in text.splitlines() if number in line)
                problems.append(f"no cell nearby prints {number}: {line.strip()[:120]}")
    return problems
