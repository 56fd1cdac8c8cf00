"""The page of `pixelrnn serve` in headless Chromium, as its tests and bench/serve_page.py use it; needs selenium."""
import os
import shutil
import urllib.parse

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from serve import bytes_of, wait_until


def start_browser():
    options = Options()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium:
        options.binary_location = chromium
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1100",
                     *(["--no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": os.path.abspath("downloads")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)


class Page:
    def __init__(self, browser, url):
        self.browser = browser
        browser.get("about:blank")
        browser.get(url)
        assert wait_until(lambda: self.run("return document.body.dataset.ready")), browser.get_log("browser")

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        """At once, since elements are replaced."""
        return self.run("return document.querySelector(arguments[0]).innerText", selector)

    def click(self, selector):
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.find(selector))
        self.find(selector).click()

    def set(self, selector, value):
        self.run("arguments[0].value = arguments[1]; for (const type of ['input', 'change']) "
                 "arguments[0].dispatchEvent(new Event(type, {bubbles: true}))", self.find(selector), value)

    def state(self):
        """The picture and its mask, as a copied link has them."""
        self.run("document.getElementById('paint-link').click()")
        found = dict(urllib.parse.parse_qsl(self.run("return location.hash.slice(1)")))
        return bytes_of(found["image"]), bytes_of(found["known"]), found

    def tiles(self):
        """The completions' red channels."""
        return [bytes(tile) for tile in self.run("""
            return [...document.querySelectorAll('#completions canvas')].map((canvas) => [...canvas.getContext('2d')
                .getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 === 0))""")]

    def settled(self):
        """Waits until completions are of the present picture."""
        return wait_until(lambda: self.run("return document.getElementById('completions-time').textContent")
                          .startswith("First pixel"))

    def touch(self):
        """Forgets that completions are there, so that `settled` waits for new ones."""
        self.run("document.getElementById('completions-time').textContent = ''")

    def pointer(self, selector, row, column, height=28, width=28):
        """Where a pixel of a canvas is, from its middle, as ActionChains counts."""
        box = self.run("return arguments[0].getBoundingClientRect().toJSON()", self.find(selector))
        return (round(((column + 0.5) / width - 0.5) * box["width"]), round(((row + 0.5) / height - 0.5) * box["height"]))

    def stroke(self, *places):
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.find("#picture"))
        actions = ActionChains(self.browser, duration=20)
        picture = self.find("#picture")
        actions.move_to_element_with_offset(picture, *self.pointer("#picture", *places[0])).click_and_hold()
        for place in places[1:]:
            actions.move_to_element_with_offset(picture, *self.pointer("#picture", *place))
        actions.release().perform()
