"""The site in a real browser, with every host but localhost out of reach."""

import json
import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from visitor import SITE, Visitor, built_pages

from tools.reports import ROOT
from tools.site import contents

Visit = Callable[..., Visitor]
PAGES = built_pages()
NOTEBOOKS = [f"{doc}.html" for doc in contents.notebook_docs()]
DARK = "document.documentElement.dataset.theme === 'dark'"


# Of code and formulas, axe gets each kind of element once in each kind of place. The thousands of
# others have the same colours on the same ground, and nothing else to check; they cost most of the
# time.
ONCE = """() => {
  const seen = new Set();
  const again = [];
  for (const e of document.querySelectorAll('pre span, mjx-container *')) {
    const style = getComputedStyle(e);
    const kind = [e.tagName, e.className, style.color, style.fontSize, style.fontWeight,
                  style.opacity, e.closest('pre, mjx-container').parentElement.className];
    for (let p = e; p; p = p.parentElement) kind.push(getComputedStyle(p).backgroundColor);
    if (seen.has(kind.join('|'))) again.push(e); else seen.add(kind.join('|'));
  }
  const repeated = new Set(again);
  again.filter(e => [...e.querySelectorAll('*')].every(inner => repeated.has(inner)))
       .forEach(e => e.remove());
}"""


def test_loads_without_errors_with_math_without_other_hosts(shown: Visitor) -> None:
    assert shown.problems == []
    formulas = shown.page.locator("span.math, div.math").count()
    assert shown.page.locator("mjx-container").count() >= formulas
    assert shown.page.locator("mjx-merror, [data-mjx-error]").count() == 0


@pytest.mark.parametrize("page", [*PAGES, "404.html", "search.html"])
def test_accessible(regular: Visitor, page: str) -> None:
    opened = regular.open(page)
    # A colour that is still on its way from one theme to the other isn't what readers see.
    opened.add_style_tag(content="* { transition: none !important; }")
    opened.evaluate(ONCE)
    for theme in ("light", "dark"):
        opened.emulate_media(color_scheme=theme)
        opened.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
        # In the dark only colours differ.
        options = {"runOnly": ["color-contrast"]} if theme == "dark" else None
        found = Axe().run(opened, options=options).response["violations"]
        serious = [
            f"{v['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for v in found
            if v["impact"] in ("serious", "critical")
            for node in v["nodes"][:3]
        ]
        assert serious == [], theme


def test_figures_lie_on_paper_in_the_dark(shown: Visitor) -> None:
    shown.page.emulate_media(color_scheme="dark")
    shown.page.wait_for_function(DARK)
    papers = shown.page.eval_on_selector_all(
        ".cell_output img", "images => images.map(i => getComputedStyle(i).backgroundColor)"
    )
    assert set(papers) <= {"rgb(255, 255, 255)"}


def test_fits_a_phone(shown: Visitor) -> None:
    shown.page.set_viewport_size({"width": 390, "height": 900})
    wide = shown.page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
             [...document.querySelectorAll('body *')]
               .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
               .map(e => `${e.tagName}.${e.className}`).slice(0, 5)"""
    )
    assert wide == [], "wider than 390 px"
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("width", [360, 390])
def test_words_of_the_scale_keep_apart_on_a_phone(visit: Visit, width: int) -> None:
    opened = visit(width=width).open(PAGES[0])
    clashes = opened.eval_on_selector(
        ".scale-figure svg",
        """(svg) => {
          const box = (e) => [e.textContent, e.getBoundingClientRect()];
          const all = [...svg.querySelectorAll("text")].map(box);
          const out = all.filter(([, b]) => b.right > innerWidth).map(([words]) => words);
          all.forEach(([words, b], n) => all.slice(n + 1).forEach(([others, c]) => {
            if (b.left < c.right && c.left < b.right && b.top < c.bottom && c.top < b.bottom)
              out.push(`${words} / ${others}`);
          }));
          return out;
        }""",
    )
    assert clashes == []


@pytest.mark.parametrize("doc", contents.notebook_docs())
def test_search_finds_each_chapter(regular: Visitor, doc: str) -> None:
    words = contents.title(doc)
    opened = regular.open(f"search.html?q={words.replace(' ', '+')}")
    opened.wait_for_selector(f'#search-results a[href*="{doc}.html"]', timeout=10_000)


def test_search_from_the_keyboard(visit: Visit) -> None:
    opened = visit().open(PAGES[0])
    opened.keyboard.press("Control+k")
    opened.keyboard.type("glossary")
    opened.keyboard.press("Enter")
    opened.wait_for_selector('#search-results a[href*="reference/glossary.html"]')


def test_dark_mode_switches_and_stays(visit: Visit) -> None:
    opened = visit().open(PAGES[0])
    background = "getComputedStyle(document.body).backgroundColor"
    light = opened.evaluate(background)
    for _ in range(3):
        opened.locator(".theme-switch-button:visible").first.click()
        if opened.evaluate(DARK):
            break
    assert opened.evaluate(DARK)
    assert opened.evaluate(background) != light
    opened.reload()
    assert opened.evaluate(DARK)


@pytest.mark.parametrize("page", [*NOTEBOOKS, "book/reference/setup.html"])
def test_copy_button_copies(regular: Visitor, page: str) -> None:
    opened = regular.open(page)
    block = opened.locator("div.highlight:has(button.copybtn):visible").first
    block.hover()
    block.locator("button.copybtn").click()
    wanted = block.locator("pre").inner_text().strip()
    opened.wait_for_selector("button.copybtn.success")
    assert opened.evaluate("navigator.clipboard.readText()").strip() == wanted


def test_the_first_address_leads_to_the_book(visit: Visit) -> None:
    visitor = visit()
    visitor.open("index.html").wait_for_url("**/book/intro.html")
    assert visitor.problems == []


def test_contents_list_every_page(visit: Visit, address: str) -> None:
    opened = visit().open(PAGES[-1])
    links = opened.eval_on_selector_all(
        "#pst-primary-sidebar nav a", "links => links.map(a => a.href)"
    )
    listed = [link.removeprefix(address).split("#")[0] for link in links if link.strip()]
    assert [page for page in PAGES if page not in listed] == []


def test_keyboard_reaches_the_text_and_the_contents(visit: Visit) -> None:
    opened = visit().open(PAGES[0])
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.textContent").strip() == "Skip to main content"
    reached = set()
    for _ in range(80):
        opened.keyboard.press("Tab")
        reached.add(opened.evaluate("document.activeElement.getAttribute('href') || ''"))
    assert any(re.search(r"reference/glossary\.html$", href) for href in reached)


@pytest.mark.parametrize("width", [390, 1280])
def test_keyboard_operates_a_chapter(visit: Visit, width: int) -> None:
    """What the mouse can do, Tab, Enter and Escape can; and what has the focus is seen."""
    opened = visit(width).open("book/basics/retrieval.html")

    def tab_to(kind: str) -> None:
        for _ in range(150):
            opened.keyboard.press("Tab")
            if opened.evaluate(f"document.activeElement.matches('{kind}')"):
                break
        opened.wait_for_function(
            """kind => {
                const style = getComputedStyle(document.activeElement);
                const ring = style.outlineStyle != 'none' || style.boxShadow != 'none';
                return document.activeElement.matches(kind) && style.opacity == 1 && ring;
            }""",
            arg=kind,
        )

    def has_focus(kind: str) -> None:
        opened.wait_for_function("kind => document.activeElement.matches(kind)", arg=kind)

    if width < 1000:
        for drawer in ("primary", "secondary"):
            tab_to(f".{drawer}-toggle")
            opened.keyboard.press("Enter")
            opened.locator(f"#pst-{drawer}-sidebar-modal").wait_for(state="visible")
            tab_to(".nav-link, .toctree-l1 a")
            opened.keyboard.press("Escape")
            has_focus(f".{drawer}-toggle")
    tab_to(".theme-switch-button")
    modes = set()
    for _ in range(3):
        opened.keyboard.press("Enter")
        has_focus(".theme-switch-button")
        modes.add(opened.evaluate("document.documentElement.dataset.mode"))
    assert modes == {"auto", "dark", "light"}
    tab_to("button.copybtn")
    opened.keyboard.press("Enter")
    opened.wait_for_selector("button.copybtn.success")
    assert "import recutils" in opened.evaluate("navigator.clipboard.readText()")
    opened.reload()
    tab_to("button.toggle-button")
    opened.keyboard.press("Enter")
    body = opened.locator(".admonition.solution").first.locator(".admonition-title ~ *").first
    body.wait_for(state="visible")


def test_sliders_tell_what_the_notebook_recorded(visit: Visit) -> None:
    """Each dial of “Close the loop”, by keyboard; the numbers are those of its recorded trials."""
    (record,) = (ROOT / "reports" / "records").glob("trials-loop-grid-*.json")
    worlds = json.loads(record.read_text(encoding="utf-8"))["trials"].values()

    def told(again: bool, share: float, power: float, end: int) -> str:
        here, best = f"{again} {share} {power} {end}", f"{again} oracle {end}"
        got = [w[f"{here}: clicks"] / w[f"{best}: clicks"] for w in worlds]
        more = [w[f"{here}: alike"] - w[f"{best}: alike"] for w in worlds]
        clicks, apart = sum(got) / len(got), round(sum(more) / len(more), 3)
        word = "less" if apart < 0 else "more"
        return f"After {end} rounds .* got {clicks:.3f} of .* share {abs(apart):.3f} {word} than"

    visitor = visit(390)
    live = visitor.open("book/feedback/loop.html").locator(".live-loop")
    share, power, rule, rounds = live.get_by_role("slider").all()
    said = live.get_by_role("status")
    assert re.match(told(False, 0.1, 0.0, 20), said.inner_text())
    share.press("ArrowRight")
    assert re.match(told(False, 0.3, 0.0, 20), said.inner_text())
    power.press("End")
    rule.press("End")
    assert re.match(told(True, 0.3, 0.5, 20), said.inner_text())
    rounds.press("Home")
    share.press("Home")
    assert re.match(told(True, 0.0, 0.5, 1), said.inner_text())
    assert share.get_attribute("aria-valuetext") == "0%"
    assert visitor.problems == []


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_solutions_open(regular: Visitor, page: str) -> None:
    opened = regular.open(page)
    solutions = opened.locator(".admonition.solution.dropdown")
    if not solutions.count():
        pytest.skip("no folded solution on this page")
    body = solutions.first.locator(".admonition-title ~ *").first
    assert not body.is_visible()
    solutions.first.locator("button.toggle-button").click()
    body.wait_for(state="visible")


def test_a_wrong_address_is_answered_with_the_way_home(visit: Visit) -> None:
    opened = visit().open("book/reference/no-such-page.html")
    assert "isn’t here" in opened.locator("article h1").inner_text()
    assert opened.evaluate("getComputedStyle(document.body).fontFamily").startswith('"Source Sans')
    opened.locator("main a", has_text="The first page").click()
    opened.wait_for_url("**/book/intro.html")
    assert SITE.joinpath("404.html").is_file()
