"""The site in a real browser, with every host but localhost out of reach."""

import re
from collections.abc import Callable

import bookpages
import pytest
from axe_playwright_python.sync_playwright import Axe
from visitor import SITE, Visitor, built_pages

Visit = Callable[..., Visitor]
PAGES = built_pages()
NOTEBOOKS = [f"{doc}.html" for doc in bookpages.notebook_docs()]
OTHERS = ["search.html", "genindex.html", "index.html"]
DARK = "document.documentElement.dataset.theme === 'dark'"


@pytest.mark.parametrize("page", PAGES + OTHERS)
def test_loads_without_errors_with_math_without_other_hosts(visit: Visit, page: str) -> None:
    visitor = visit()
    visitor.open(page)
    visitor.page.wait_for_load_state("networkidle")
    assert visitor.problems == []
    formulas = visitor.page.locator("span.math, div.math").count()
    assert visitor.page.locator("mjx-container").count() >= formulas
    assert visitor.page.locator("mjx-merror, [data-mjx-error]").count() == 0


@pytest.mark.parametrize("page", [*PAGES, "404.html", "search.html", "genindex.html"])
def test_fits_a_phone(visit: Visit, page: str) -> None:
    opened = visit(width=390).open(page)
    wide = opened.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
             [...document.querySelectorAll('body *')]
               .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
               .map(e => `${e.tagName}.${e.className}`).slice(0, 5)"""
    )
    assert wide == [], "wider than 390 px"
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", [*PAGES, "404.html", "search.html"])
def test_accessible(visit: Visit, page: str, theme: str) -> None:
    opened = visit(theme=theme).open(page)
    assert opened.evaluate(DARK) == (theme == "dark")
    # A colour that is still on its way from one theme to the other isn't what readers see.
    opened.add_style_tag(content="* { transition: none !important; }")
    # In the dark only colours differ.
    options = {"runOnly": ["color-contrast"]} if theme == "dark" else None
    found = Axe().run(opened, options=options).response["violations"]
    serious = [
        f"{v['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for v in found
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"][:3]
    ]
    assert serious == []


@pytest.mark.parametrize("doc", bookpages.notebook_docs() or bookpages.toc()[:1])
def test_search_finds_each_chapter(visit: Visit, doc: str) -> None:
    words = bookpages.title(doc) if doc in bookpages.notebook_docs() else "Recommenders"
    opened = visit().open(f"search.html?q={words.replace(' ', '+')}")
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


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_figures_lie_on_paper_in_the_dark(visit: Visit, page: str) -> None:
    opened = visit(theme="dark").open(page)
    papers = opened.eval_on_selector_all(
        ".cell_output img", "images => images.map(i => getComputedStyle(i).backgroundColor)"
    )
    assert set(papers) <= {"rgb(255, 255, 255)"}


@pytest.mark.parametrize("page", [*NOTEBOOKS, "book/reference/setup.html"])
def test_copy_button_copies(visit: Visit, page: str) -> None:
    opened = visit().open(page)
    block = opened.locator("div.highlight:has(button.copybtn):visible").first
    block.hover()
    block.locator("button.copybtn").click()
    wanted = block.locator("pre").inner_text().strip()
    opened.wait_for_selector("button.copybtn.success")
    assert opened.evaluate("navigator.clipboard.readText()").strip() == wanted


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_offers_its_notebook(visit: Visit, page: str, address: str) -> None:
    opened = visit().open(page)
    link = opened.locator('a.btn-download-source-button[href$=".ipynb"]').first
    link = link.evaluate("a => a.href")
    answer = opened.request.get(link)
    source = (bookpages.ROOT / page).with_suffix(".ipynb")
    assert answer.ok
    assert answer.text() == source.read_text(encoding="utf-8")


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


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_solutions_open(visit: Visit, page: str) -> None:
    opened = visit().open(page)
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
