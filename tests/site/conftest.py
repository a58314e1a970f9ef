"""A browser, a server on localhost for the built site, and the built pages.

The browser is Chromium or Chrome of the machine, else Playwright's own, else Debian's, installed
if we are root. Where none can be had, the tests that need one are skipped and say so; with CI=true
they fail.
"""

import functools
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Error, Playwright, sync_playwright
from visitor import SITE, Visitor, built_pages

from tools import pdf

# Nothing but the site itself may be asked for, by Chromium's own services neither.
FLAGS = ["--disable-quic", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


@pytest.fixture(autouse=True, scope="session")
def _built() -> None:
    missing = [page for page in built_pages() if not (SITE / page).is_file()]
    if missing:
        pytest.fail(f"no page {missing[0]} in {SITE}: run `make book` first", pytrace=False)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answers as GitHub Pages does: with 404.html."""
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write((SITE / "404.html").read_bytes())


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(SITE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def _install_on_debian() -> str | None:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not root or not Path("/etc/debian_version").exists():
        return None
    for command in (["update"], ["install", "-y", "-q", "--no-install-recommends", "chromium"]):
        if subprocess.run(["apt-get", *command], capture_output=True, check=False).returncode:
            return None
    return shutil.which("chromium")


def _launch(playwright: Playwright) -> Browser | None:
    for find in (pdf.chromium, lambda: None, _install_on_debian):
        path = find()
        if find is _install_on_debian and path is None:
            break
        try:
            return pdf.browser(playwright, path, *FLAGS)
        except Error:
            continue
    return None


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = _launch(playwright)
        if found is None:
            reason = "no Chromium: install it, or run `playwright install chromium`"
            if os.environ.get("CI") == "true":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        yield found
        found.close()


@pytest.fixture(scope="module", params=[*built_pages(), "search.html", "genindex.html", "404.html"])
def shown(request: pytest.FixtureRequest, shown_to: Visitor) -> Visitor:
    """Each page once, on a laptop, in the light; the tests of a page follow each other."""
    shown_to.problems.clear()
    shown_to.page.set_viewport_size({"width": 1280, "height": 900})
    shown_to.page.emulate_media(color_scheme="light")
    shown_to.open(request.param)
    shown_to.page.wait_for_load_state("networkidle")
    return shown_to


@pytest.fixture(scope="module")
def shown_to(browser: Browser, address: str) -> Iterator[Visitor]:
    """Who sees all pages, with one browser profile: styles and scripts are loaded once."""
    visitor = Visitor(browser, address)
    yield visitor
    visitor.context.close()


@pytest.fixture(scope="module")
def regular(browser: Browser, address: str) -> Iterator[Visitor]:
    """Who comes again and again, for tests that open a page of their own and leave no trace."""
    visitor = Visitor(browser, address)
    yield visitor
    visitor.context.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Visitor]]:
    """A first visit: `visit(width=…, theme=…)` gives a Visitor."""
    visitors: list[Visitor] = []

    def start(width: int = 1280, theme: Literal["light", "dark"] = "light") -> Visitor:
        visitors.append(Visitor(browser, address, width, theme))
        return visitors[-1]

    yield start
    for visitor in visitors:
        visitor.context.close()
