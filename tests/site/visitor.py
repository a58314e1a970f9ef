"""What the site's tests share: the built pages, and a visit that remembers what went wrong."""

import functools
from typing import Literal

from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page, Request

from tools import toc
from tools.reports import ROOT

SITE = ROOT / "_build" / "html"


def built_pages() -> list[str]:
    """Paths of the book's pages below the site, in order of reading."""
    return [f"{doc}.html" for doc in toc.docs()]


@functools.lru_cache(maxsize=100)
def soup(page: str) -> BeautifulSoup:
    return BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")


class Visitor:
    """One visit with a fresh browser profile; remembers everything that went wrong."""

    def __init__(
        self,
        browser: Browser,
        address: str,
        width: int = 1280,
        theme: Literal["light", "dark"] = "light",
    ):
        self.problems: list[str] = []
        self.address = address
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme
        )
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page: Page = self.context.new_page()
        self.page.on("request", self._only_localhost)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on(
            "console",
            lambda message: (
                message.type == "error" and self.problems.append(f"console: {message.text}")
            ),
        )
        self.page.on(
            "requestfailed",
            lambda request: self.problems.append(f"failed: {request.url} ({request.failure})"),
        )
        self.page.on(
            "response",
            lambda answer: (
                answer.status >= 400 and self.problems.append(f"{answer.status}: {answer.url}")
            ),
        )

    def _only_localhost(self, request: Request) -> None:
        """The browser reaches no other host (see FLAGS); requests to others are listed."""
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.problems.append(f"another host: {request.url}")

    def open(self, page: str) -> Page:
        self.page.goto(self.address + page, wait_until="load")
        self.page.wait_for_function("!window.MathJax?.startup || window.MathJax.startup.promise")
        return self.page
