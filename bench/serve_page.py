#!/usr/bin/env python3
"""How soon the page of `pixelrnn serve` completes a digit whose lower half is unknown, in headless Chromium, painting
included: serve_page.py PROGRAM MODEL... Of each model (28 x 28, two levels) 25 strokes, from the end of one to the first
pixel of eight completions and to the last, median and least; needs selenium (Debian: python3-selenium, chromium-driver)."""
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from serve import Server
from serve_page import Page, start_browser

STROKES = 25


def measure(browser, program, model):
    times = {"first": [], "all": []}
    with Server(program, model) as server:
        page = Page(browser, server.url)
        page.settled()
        for i in range(STROKES):
            page.touch()
            page.stroke((2 + i % 10, 4), (2 + (i + 3) % 10, 22))
            if not page.settled():
                raise SystemExit(f"{model}: the page shows no completions")
            shown = page.run("return {...document.getElementById('completions').dataset}")
            for what, all_of_them in times.items():
                all_of_them.append(float(shown[what]))
    return " | ".join(f"{statistics.median(t):.0f} ms, {min(t):.0f} ms" for t in times.values())


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    browser = start_browser()
    try:
        print("| model | to the first pixel of eight completions | to the last |\n|---|---|---|")
        for model in sys.argv[2:]:
            print(f"| {os.path.basename(model).removesuffix('.safetensors')} | {measure(browser, sys.argv[1], model)} |", flush=True)
    finally:
        browser.quit()


main()
