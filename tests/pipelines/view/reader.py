"""What somebody sees of the page, and the keys that they press."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

# Far more than a page takes: a machine may be busy.
_PATIENCE_S = 60


class Reader:
    """A page in a browser; every action waits until the page shows its outcome."""

    def __init__(
        self, browser: webdriver.Chrome, address: str, filters: Any = (), *, settles: bool = True
    ) -> None:
        """Opens `address`; a page that `settles` is one with the script of `srt view`."""
        self.browser, self.address = browser, address
        browser.get("about:blank")
        browser.get(address + (f"#{urlencode(filters)}" if filters else ""))
        if settles:
            self.settled()

    def wait(self, condition: Callable[[], Any]) -> Any:
        return WebDriverWait(self.browser, _PATIENCE_S).until(lambda _: condition())

    def settled(self) -> None:
        """Wait until the page asks for nothing more."""
        self.wait(lambda: self.script("return document.body?.ariaBusy === 'false'"))

    def script(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def text(self, css: str) -> str:
        return self.browser.find_element(By.CSS_SELECTOR, css).text

    def all(self, css: str) -> list[str]:
        return [each.text for each in self.browser.find_elements(By.CSS_SELECTOR, css)]

    def click(self, css: str, *, having: str = "") -> None:
        found = self.browser.find_elements(By.CSS_SELECTOR, css)
        next(each for each in found if having in each.text).click()
        self.settled()

    def press(self, *keys: str) -> None:
        for key in keys:
            ActionChains(self.browser).send_keys(key).perform()
        self.settled()

    def search(self, text: str) -> None:
        before = self.script("return location.hash")
        ActionChains(self.browser).send_keys("/").perform()
        ActionChains(self.browser).send_keys(text, Keys.ESCAPE).perform()
        self.wait(lambda: self.script("return location.hash") != before)
        self.settled()

    def choose(self, name: str, value: str) -> None:
        Select(self.browser.find_element(By.ID, f"filter-{name}")).select_by_value(value)
        self.settled()

    @property
    def selected(self) -> str:
        return self.text("[aria-selected=true] .about span")

    @property
    def chosen(self) -> int:
        """How many rows the head says are left."""
        counts = next(part for part in self.text("#about").split(" · ") if " rows" in part)
        return int(counts.split(" of ")[0].replace(",", ""))

    def ids(self) -> list[str]:
        """The ids of the rows that are in sight."""
        return self.all(".row .about span:first-child")
