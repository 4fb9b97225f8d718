"""What the tests of the page ask of the browser: sizes, texts, clicks, the console, screenshots."""

import re
from pathlib import Path

from selenium import webdriver

SHOTS = Path(__file__).parent / "screenshots"
Browser = webdriver.Chrome


def size(browser: Browser, width: int, height: int) -> None:
    """The page's own size, whatever the window does."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})


def scheme(browser: Browser, name: str) -> None:
    """What the system wishes for: light or dark."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": name}]})


def text(browser: Browser, selector: str) -> str:
    """The text of the first match, empty if there is none; never a stale element."""
    script = "return document.querySelector(arguments[0])?.innerText ?? ''"
    found: str = browser.execute_script(script, selector)
    return found


def count(browser: Browser, selector: str) -> int:
    found: int = browser.execute_script(
        "return document.querySelectorAll(arguments[0]).length", selector)
    return found


def click(browser: Browser, selector: str) -> None:
    """Find and click in one step: the page may redraw in between."""
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def errors(browser: Browser) -> list[str]:
    """What the console holds of errors."""
    return [row["message"] for row in browser.get_log("browser") if row["level"] == "SEVERE"]


def shoot(browser: Browser, name: str, whole: bool = True) -> None:
    """Keep a screenshot, of the whole page unless told otherwise."""
    SHOTS.mkdir(exist_ok=True)
    if whole:
        width, height = browser.execute_script(
            "return [innerWidth, document.documentElement.scrollHeight]")
        size(browser, width, height)
    assert browser.save_screenshot(str(SHOTS / f"{name}.png"))


def seconds(words: str) -> float:
    """The age that `words` hold, in seconds: `9 s`, `4 min`, `2 h 05 min`."""
    units = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
    return sum(int(number) * units[unit]
               for number, unit in re.findall(r"(\d+) (s|min|h|d)\b", words))
