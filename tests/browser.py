"""A real browser for tests: Chromium without a window, and Argilla in it as an annotator uses it.

Chromium and its driver are Debian's, one version of both: `apt-get install chromium
chromium-driver`.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Far more than a page takes: a machine may be busy.
_PATIENCE_S = 120


def installed() -> tuple[str, str] | None:
    """A browser and its driver, where there are both."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    driver = shutil.which("chromedriver")
    return (program, driver) if program and driver else None


@contextmanager
def running_browser(width: int = 1280, height: int = 1000) -> Iterator[webdriver.Chrome]:
    """A browser with a page of that size, in pixels; skips where none is installed."""
    if (found := installed()) is None:
        pytest.skip("no Chromium with its driver: apt-get install chromium chromium-driver")
    program, driver = found
    options = webdriver.ChromeOptions()
    options.binary_location = program
    # The pages are on this machine, whatever proxy the user has.
    arguments = ["--headless=new", "--no-proxy-server", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        # Chromium's sandbox refuses root, which continuous integration often is.
        arguments.append("--no-sandbox")
    for argument in arguments:
        options.add_argument(argument)
    # For `requests`.
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    # With a path to the driver, selenium looks for none on the network.
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        resize(browser, width, height)
        yield browser
    finally:
        browser.quit()


def resize(browser: webdriver.Chrome, width: int, height: int) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def requests(browser: webdriver.Chrome) -> list[str]:
    """The addresses that were requested since the last call, by pages and their frames."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


class Annotator:
    """Somebody who is signed in to Argilla, and what they see and click."""

    def __init__(self, browser: webdriver.Chrome, url: str, name: str, password: str) -> None:
        self.browser = browser
        # Off the page, which would write it again: who was signed in before.
        browser.get("about:blank")
        stored = {"origin": url, "storageTypes": "all"}
        browser.execute_cdp_cmd("Storage.clearDataForOrigin", stored)
        browser.get(f"{url}/sign-in")
        self.wait(lambda: len(self._all("input[name]")) == 2)
        self._one("input[name=Username]").send_keys(name)
        self._one("input[name=Password]").send_keys(password, Keys.ENTER)
        self.wait(lambda: "/sign-in" not in browser.current_url)

    def wait(self, condition: Callable[[], Any]) -> Any:
        return WebDriverWait(self.browser, _PATIENCE_S).until(lambda _: condition())

    def _one(self, css: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, css)

    def _all(self, css: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def open(self, page: str) -> None:
        """Open a dataset's page, as `srt review push` names it, at its first record."""
        self.browser.get(page)
        self._arrived(1)

    def next(self) -> None:
        number = self.number
        self._one("button[aria-label^=Next]").click()
        self._arrived(number + 1)

    def _arrived(self, number: int) -> None:
        shown = "[aria-label='Current Record']"
        self.wait(lambda: [each.text for each in self._all(shown)] == [str(number)])
        self.wait(lambda: self._all("form .questions") and self._is_built())

    @property
    def number(self) -> int:
        return int(self._one("[aria-label='Current Record']").text)

    def _is_built(self) -> bool:
        script = """const [frame] = document.querySelectorAll('.fields iframe');
            return !!frame?.contentDocument?.querySelector('#page .critique')"""
        return self.browser.execute_script(script)

    def in_frame(self, script: str, *arguments: Any) -> Any:
        """What a script returns in the frame that has the texts, where `root` is their element."""
        self.browser.switch_to.frame(self._one(".fields iframe"))
        try:
            body = f"const root = document.getElementById('page'); {script}"
            return self.browser.execute_script(body, *arguments)
        finally:
            self.browser.switch_to.default_content()

    def texts(self) -> dict[str, str]:
        """What the page shows, by the titles of its parts."""
        script = """return [...root.querySelectorAll('section')].map(part => [
            part.querySelector('.title').innerText,
            part.querySelector('.text')?.innerText ?? ''])"""
        return dict(self.in_frame(script))

    def elements(self) -> list[str]:
        """The names of all elements in the texts."""
        script = "return [...root.querySelectorAll('.text *')].map(each => each.localName)"
        return self.in_frame(script)

    def press(self, label: str) -> None:
        """Click a button in the frame, with the mouse."""
        self.browser.switch_to.frame(self._one(".fields iframe"))
        try:
            (button,) = [each for each in self._all("button") if each.text == label]
            button.click()
        finally:
            self.browser.switch_to.default_content()

    def type(self, *keys: str) -> None:
        """Press keys, wherever the keyboard's focus is."""
        ActionChains(self.browser).send_keys(*keys).perform()

    def enter_on_the_number_pad(self) -> None:
        """Selenium's keys have no such Enter: theirs has the code of the other one."""
        key = {"key": "Enter", "code": "NumpadEnter", "windowsVirtualKeyCode": 13, "location": 3}
        for kind in ("keyDown", "keyUp"):
            self.browser.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": kind, **key})

    def source(self) -> str:
        """The HTML of the record and its questions, and of what is in its frame."""
        outside = [
            re.sub(r' srcdoc="[^"]*"', "", self._one(css).get_attribute("outerHTML"))
            for css in (".record", "form.questions-form")
        ]
        return "".join([*outside, self.in_frame("return root.outerHTML")])

    def chosen(self) -> list[str]:
        """What is selected, and what is written in boxes."""
        ticked = [box.get_attribute("id") for box in self._all("form input:checked")]
        written = [box.text for box in self._all("form [contenteditable]")]
        return [*ticked, *filter(None, written)]

    def guidelines(self) -> str:
        """Opens the panel of the guidelines, which is closed at first; its text."""
        if not self._all(".wrapper__left .panel__content"):
            self._one(".wrapper__left .panel__header").click()
        return self.wait(lambda: self._one(".wrapper__left .panel__content").text)

    def choose(self, question: str, value: str | int) -> None:
        self._one(f"label[for={question}_{value}]").click()

    def write(self, question: str, text: str) -> None:
        self._one(f"[aria-label='Question: {question}'] [contenteditable]").send_keys(text)

    def submit(self) -> None:
        """Submit the answers, and wait until they are counted and the record is another one."""
        answered, before = self._record, self.submitted
        self._one("form button[type=submit]").click()
        self.wait(lambda: self.submitted == before + 1 and self._record != answered)

    @property
    def submitted(self) -> int:
        return int(self._one(".my-progress__status .status-counter__counter").text)

    @property
    def _record(self) -> str | None:
        """What tells one record from another; None where nothing is left to answer."""
        shown = self._all(".fields iframe")
        return shown[0].get_attribute("srcdoc") if shown else None
