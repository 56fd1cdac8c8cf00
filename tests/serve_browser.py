"""The page of `pixelrnn serve`, in headless Chromium: serve_browser.py PROGRAM SOURCE_DIR, in a folder where
test_serve_browser.sh has trained row-run, cnn-run, and sprites with a palette."""
import json
import math
import os
import struct
import subprocess
import sys

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from serve import Server, bytes_of, check, finish, read_npy_file, text_of, wait_until
from serve_page import Page, start_browser

program, source = sys.argv[1:3]
MODELS = f"{source}/models"


def expected_tiles(server, page, model, **more):
    image, known, state = page.state()
    answer = server.post("complete", model=model, image=text_of(image), known=text_of(known), seed=int(state["seed"]),
                         count=int(state["count"]), temperature=float(state["temperature"]), **more)[1]
    images = bytes_of(answer["images"])
    return [bytes(255 * value for value in images[i * 784:(i + 1) * 784]) for i in range(answer["count"])]


def test_painting(server, page):
    check("completions come by themselves", page.settled() and len(page.tiles()) == 8)
    check("they are those of the API", page.tiles() == expected_tiles(server, page, "mnist-row"))
    image, known, _ = page.state()
    check("the lower half is unknown at first", known == bytes([1] * 392 + [0] * 392))
    before = page.tiles()
    page.touch()
    page.stroke((4, 4), (4, 20), (10, 20), (6, 8), (2, 22))
    after, _, _ = page.state()
    check("a stroke paints", after != image and after[4 * 28 + 10] == 1 and after[4 * 28 + 4] == 1)
    check("and changes the completions", wait_until(lambda: page.tiles() != before))
    check("which are of the picture as it is", wait_until(lambda: page.tiles() == expected_tiles(server, page, "mnist-row")))
    times = page.run("return {...document.getElementById('completions').dataset}")
    print(f"# from the stroke to the first pixel {float(times['first']):.0f} ms, to all {float(times['all']):.0f} ms")
    page.click("input[value=unknown] + span")
    page.stroke((2, 2), (2, 12))
    check("unknown marks pixels", page.state()[1][2 * 28 + 5] == 0)
    check("the page says what cannot guide", page.find("#order").is_displayed() and "raster order" in page.text("#order"))
    page.click("#undo")
    check("undo takes a stroke back", page.state()[1][2 * 28 + 5] == 1)
    page.click("input[value=pen] + span")


def test_settings(server, page):
    page.touch()
    page.set("#paint-count", 3)
    page.set("#paint-seed", 77)
    page.set("#paint-temperature", 0.5)
    check("number, seed and temperature count", page.settled() and wait_until(lambda: len(page.tiles()) == 3) and
          wait_until(lambda: page.tiles() == expected_tiles(server, page, "mnist-row")))
    chosen = page.tiles()[1]
    page.click("#completions button:nth-child(2)")
    image, known, _ = page.state()
    check("keeping a completion puts it into the picture", bytes(255 * value for value in image) == chosen and all(known))
    check("then nothing is unknown", wait_until(lambda: "Nothing is unknown" in page.text("#completions-time")))
    page.click("[data-hole=centre]")
    page.set("#paint-count", 8)


def test_link(browser, server, page):
    """Opens the link to a picture in another tab."""
    page.set("#paint-count", 5)
    wanted, tiles = page.state(), expected_tiles(server, page, "mnist-row")
    check("another number of completions", len(tiles) == 5 and wait_until(lambda: page.tiles() == tiles))
    link, first = page.run("return location.href"), browser.current_window_handle
    browser.switch_to.new_window("tab")
    other = Page(browser, link)
    check("the link to a picture shows it, and the same completions",
          wait_until(lambda: other.tiles() == tiles) and other.state() == wanted)
    browser.close()
    browser.switch_to.window(first)
    page.set("#paint-count", 8)


def test_thoughts(page):
    image, _, _ = page.state()
    with open("picture.npy", "wb") as file:
        head = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 28, 28), }".ljust(117) + "\n"
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + image)
    answer = subprocess.run([program, "eval", f"{MODELS}/mnist-row.safetensors", "--data", "picture.npy", "--values", "levels",
                             "--per-value", "values.npy", "--json", "--quiet"], check=True, capture_output=True, text=True)
    nats = json.loads(answer.stdout)["nats"]
    values = struct.unpack("<784f", read_npy_file("values.npy")[2])
    wanted = [value / math.log(2) for value in values]

    def shown():
        bits = json.loads(page.run("return document.getElementById('heat').dataset.bits || '[]'"))
        return len(bits) == 784 and max(abs(a - b) for a, b in zip(bits, wanted)) < 1e-5

    check("the heat map has the numbers of eval --per-value", wait_until(shown))
    check("and the sum of eval", abs(float(page.find("#score").get_attribute("data-nats")) - nats) < 1e-6 and
          f"{nats:.2f} nats" == page.text("#score"))
    place = wanted.index(max(wanted))
    colours = page.run("""const canvas = document.getElementById('heat'), zoom = canvas.width / 28;
        return [arguments[0], 0].map((i) => [...canvas.getContext('2d').getImageData((i % 28 + 0.5) * zoom,
            (Math.floor(i / 28) + 0.5) * zoom, 1, 1).data])""", place)
    check("the largest is the brightest", sum(colours[0][:3]) > 600 and sum(colours[1][:3]) < 60, colours)
    row, column = divmod(place, 28)
    page.run("arguments[0].scrollIntoView({block: 'center'})", page.find("#heat"))
    ActionChains(page.browser).move_to_element_with_offset(page.find("#heat"), *page.pointer("#heat", row, column)).perform()
    check("pointing at it tells its distribution",
          wait_until(lambda: page.text("#pixel") == f"Pixel at row {row}, column {column}"), page.text("#pixel"))
    data = page.run("return {...document.querySelector('#distributions > div').dataset}")
    p = json.loads(data["probabilities"])
    check("its cost is the heat map's", abs(float(data["bits"]) - wanted[place]) < 1e-3 and
          abs(-math.log2(p[image[place]]) - wanted[place]) < 1e-3 and int(data["level"]) == image[place], data)
    check("the histogram is drawn", page.run("""const canvas = document.querySelector('#distributions canvas');
        return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)"""))


def test_fields(server, page):
    image, _, _ = page.state()
    row, column = 4, 9
    page.run("arguments[0].scrollIntoView({block: 'center'})", page.find("#heat"))
    ActionChains(page.browser).move_to_element_with_offset(page.find("#heat"), *page.pointer("#heat", row, column)).click().perform()
    check("a click measures the fields of all models side by side", wait_until(
        lambda: page.text("#field-state") == f"At row {row}, column {column}."), page.text("#field-state"))
    for i, name in enumerate(("mnist-row", "mnist-cnn")):
        shown = json.loads(page.run("return document.querySelectorAll('#fields figure')[arguments[0]].dataset.moved", i))
        lines = server.lines("field", model=name, image=text_of(image), row=row, column=column)
        wanted = [[r, c] for line in lines[:-1] for r, c, _ in line["moved"]]
        check(f"{name}: what the API says, and nothing behind the pixel", shown == wanted and len(shown) > 20 and
              all((r, c) < (row, column) for r, c in shown))


def test_pictures(page):
    subprocess.run([program, "sample", f"{MODELS}/mnist-row.safetensors", "--count", "2", "--seed", "3", "--out", "pictures/",
                    "--quiet"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([program, "sample", f"{MODELS}/mnist-row.safetensors", "--count", "2", "--seed", "3", "--out",
                    "pictures.npy", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    wanted = read_npy_file("pictures.npy")[2]
    page.find("#file").send_keys(os.path.abspath("pictures/00000.png"))
    check("a file becomes the picture", wait_until(lambda: page.state()[0] == wanted[:784]))
    with open("pictures/00001.png", "rb") as file:
        png = text_of(file.read())
    drop = """const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], arguments[1], {type: 'image/png'}));
        const event = arguments[2] === 'paste' ? new ClipboardEvent('paste', {clipboardData: data, bubbles: true})
            : new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
        document.getElementById('picture').dispatchEvent(event);"""
    page.run(drop, png, "one.png", "drop")
    check("a dropped one too", wait_until(lambda: page.state()[0] == wanted[784:]))
    page.click("#clear")
    page.run(drop, png, "one.png", "paste")
    check("a pasted one too", wait_until(lambda: page.state()[0] == wanted[784:]))
    page.run(drop, text_of(b"no picture"), "notes.txt", "drop")
    check("what is no picture is said to be none", wait_until(
        lambda: "notes.txt is no picture" in page.text("#trouble")) and page.state()[0] == wanted[784:])
    page.run("""const canvas = document.createElement('canvas'); canvas.width = 300; canvas.height = 200;
        const context = canvas.getContext('2d'); context.fillStyle = '#fff'; context.fillRect(150, 0, 150, 200);
        canvas.toBlob((blob) => { const data = new DataTransfer(); data.items.add(new File([blob], 'half.png'));
            document.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true})); })""")
    check("a large one is cut and made small", wait_until(
        lambda: page.state()[0] == bytes([0] * 14 + [1] * 14) * 28), page.state()[0][:28])


def test_keyboard(page):
    page.click("#clear")
    page.run("document.activeElement.blur(); scrollTo(0, 0)")
    seen = []
    for _ in range(60):
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        seen.append(page.run("return document.activeElement.id || document.activeElement.value || "
                             "document.activeElement.textContent"))
        if seen[-1] == "picture":
            break
    check("Tab leads to the picture", seen[-1] == "picture", seen)
    keys = ActionChains(page.browser)
    keys.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_RIGHT, " ")
    keys.key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT).key_up(Keys.SHIFT).perform()
    image = page.state()[0]
    check("arrows and space paint", image[2 * 28 + 1] == 1 and image[2 * 28 + 3] == 1 and sum(image) >= 3, sum(image))
    check("the pixel is told", wait_until(lambda: page.text("#pixel") == "Pixel at row 2, column 3"), page.text("#pixel"))
    page.run("document.getElementById('picture').focus()")
    ActionChains(page.browser).send_keys(Keys.ARROW_UP, "u", " ").perform()
    check("u is the tool for unknown", page.run("return document.querySelector('input[name=tool]:checked').value") == "unknown" and
          page.state()[1][1 * 28 + 3] == 0)
    page.run("document.getElementById('picture').focus()")
    ActionChains(page.browser).send_keys("z", "p").perform()
    check("z undoes", page.state()[1][1 * 28 + 3] == 1)
    page.run("document.querySelector('#completions button').focus()")
    ActionChains(page.browser).send_keys(Keys.ENTER).perform()
    check("Enter keeps a completion", wait_until(lambda: all(page.state()[1])))


def test_names(page):
    nodes = page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = {"button", "spinbutton", "slider", "combobox", "image", "application", "link", "radio", "ColorWell", "group"}
    asked = [node for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in roles]
    nameless = [node["role"]["value"] for node in asked if not node.get("name", {}).get("value", "").strip()]
    check("all that one can do or see has a name for screen readers", len(asked) > 25 and not nameless, nameless)


def test_wall(page):
    page.click("[data-view=samples]")
    page.set("#wall-count", 20)
    page.set("#wall-seed", 11)
    page.set("#wall-temperature", 0.9)
    check("a wall is drawn", wait_until(lambda: page.text("#wall-state").startswith("20 samples in")), page.text("#wall-state"))
    page.click("#wall-npy")
    name = "downloads/mnist-row-seed-11.npy"
    check("a .npy is downloaded", wait_until(lambda: os.path.exists(name)))
    subprocess.run([program, "sample", f"{MODELS}/mnist-row.safetensors", "--count", "20", "--seed", "11", "--temperature", "0.9",
                    "--out", "wall.npy", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    check("it holds what `sample` draws, bit for bit", read_npy_file(name) == read_npy_file("wall.npy"))
    page.click("#wall-png")
    check("a PNG too", wait_until(lambda: os.path.exists("downloads/mnist-row-seed-11.png")))
    link = page.run("document.getElementById('wall-link').click(); return location.href")
    drawn = page.run("return document.getElementById('wall').toDataURL()")
    again = Page(page.browser, link)
    check("the link draws the same", wait_until(lambda: again.text("#wall-state").startswith("20 samples in")) and
          wait_until(lambda: again.run("return document.getElementById('wall').toDataURL()") == drawn))
    again.run("location.hash = location.hash.replace('count=20', 'count=3')")
    check("a link in the same tab too", wait_until(lambda: again.text("#wall-state").startswith("3 samples in")))
    again.run("location.hash = location.hash.replace('count=3', 'count=20')")
    wait_until(lambda: again.text("#wall-state").startswith("20 samples in"))
    again.run("document.getElementById('wall').focus()")
    ActionChains(page.browser).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ENTER).perform()
    check("a sample goes to the picture", wait_until(lambda: again.find("#paint").is_displayed()) and
          wait_until(lambda: again.state()[0] == read_npy_file("wall.npy")[2][784:1568]))


def test_chain(server, page):
    page.set("#model", "cifar10-8x8+cifar10-32x32-given-8x8")
    page.click("[data-view=samples]")
    page.set("#wall-seed", 2)
    page.set("#wall-temperature", 1)
    page.set("#wall-count", 4)
    check("a chain's wall is drawn", wait_until(lambda: page.text("#wall-state").startswith("4 samples in")))
    check("its small images first", page.run("return document.getElementById('wall').dataset.stages") == "8 32 ")
    page.click("[data-view=paint]")
    page.touch()
    page.click("[data-hole=right]")
    check("a colour picture is completed", page.settled())
    check("three histograms", wait_until(lambda: look_at_middle(page) == 3))
    check("the colours of the pen", page.find("#colour").is_displayed() and not page.find("#level").is_displayed())


def look_at_middle(page):
    page.run("arguments[0].scrollIntoView({block: 'center'})", page.find("#heat"))
    ActionChains(page.browser).move_to_element(page.find("#heat")).perform()
    return page.run("return document.querySelectorAll('#distributions canvas').length")


def test_looks(page, views=("paint", "samples", "training")):
    cdp = page.browser.execute_cdp_cmd
    cdp("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
    for view in views:
        page.click(f"[data-view={view}]")
        check(f"{view} fits a phone", page.run("return document.documentElement.scrollWidth") <= 360)
    cdp("Emulation.clearDeviceMetricsOverride", {})
    page.click("[data-view=paint]")
    light = page.run("return getComputedStyle(document.body).backgroundColor")
    cdp("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    dark = page.run("return getComputedStyle(document.body).backgroundColor")
    check("dark is dark, and light light", brightness(light) > 600 and brightness(dark) < 150, light, dark)
    cdp("Emulation.setEmulatedMedia", {"features": []})


def brightness(colour):
    return sum(int(part) for part in colour[4:-1].split(","))


def test_training(page):
    page.click("[data-view=training]")
    check("two runs are drawn over each other", wait_until(
        lambda: page.run("return document.querySelectorAll('#curves path.train').length") == 2))
    cells = page.run("return [...document.querySelectorAll('#run-table tbody tr:first-child td')].map((cell) => cell.innerText)")
    with open("row-run/metrics.csv") as file:
        lines = [line.split(",") for line in file.read().split()]
    last = dict(zip(lines[0], lines[-1]))
    check("with the numbers of the log", cells[0] == "row-run" and cells[2] == last["step"] and
          cells[4] == f"{float(last['valid_nats']):.2f}", cells)
    check("samples of both", wait_until(lambda: page.run("return document.querySelectorAll('#run-samples canvas').length") == 2))
    with open("row-run/metrics.csv", "a") as file:
        file.write(f"999,99.5,{float(last['seconds']) + 50},0.001,12.5,,100\n")
    check("a new line is seen as it is written", wait_until(
        lambda: page.text("#run-table tbody td:nth-child(3)") == "999"))
    page.set("#target", 100)
    left = float(last["seconds"]) + 50
    expected = (100 - 99.5) / 99.5 * left
    check("the time that is left", page.text("#run-table tbody td:last-child") == f"{max(math.ceil(expected), 1)} s")


def test_token(browser):
    with Server(program, f"{MODELS}/mnist-row.safetensors", "--token", "open_sesame") as server:
        page = Page(browser, server.url)
        check("the printed address lets one in", page.settled())
        check("and the token leaves the address bar", "sesame" not in page.run("return location.href"))
    browser.get("about:blank")


PALETTE = [[20, 20, 20], [0, 0, 255], [255, 0, 0], [0, 255, 0], [255, 255, 255]]  # of make_sprites, the darkest first


def test_palette(browser):
    with Server(program, "sprites", "--run", "sprites") as server:
        page = Page(browser, server.url)
        check("colours are as many as the model knows", page.run("return model.options[0].text") == "sprites (6 × 6, 5 colours)" and
              not page.find("#level-label").is_displayed() and not page.find("#invert").is_displayed())
        test_pen(page)
        test_colours(server, page)
        test_nearest(page)
        test_bars(server, page)
        page.click("[data-view=samples]")
        check("a wall", wait_until(lambda: page.text("#wall-state").startswith("64 samples in")))
        colours = {tuple(c) for c in colours_of(page, "#wall") if c[3]}
        check("has the palette's colours alone", colours == {(*c, 255) for c in PALETTE}, colours)
        page.click("#wall-png")
        name = "downloads/sprites-seed-1.png"
        check("and so has its PNG", wait_until(lambda: os.path.exists(name)) and
              {"#%02x%02x%02x" % tuple(c) for c in PALETTE} <= colours_of_file(name))
        page.click("[data-view=training]")
        check("and the samples of a training", wait_until(lambda: page.run(
            "return document.querySelectorAll('#run-samples canvas').length") == 1) and
            {tuple(c[:3]) for c in colours_of(page, "#run-samples canvas") if c[3]} == {tuple(c) for c in PALETTE})
        test_looks(page)


def colours_of(page, selector):
    """R, G, B and alpha of all pixels of a canvas."""
    flat = page.run("const canvas = document.querySelector(arguments[0]); return [...canvas.getContext('2d')"
                    ".getImageData(0, 0, canvas.width, canvas.height).data]", selector)
    return [flat[i:i + 4] for i in range(0, len(flat), 4)]


def colours_of_file(name):
    subprocess.run([program, "convert", "--data", name, "--palette", "--palette-out", "found.hex", "--out", "found.npy",
                    "--quiet"], check=True, stdout=subprocess.DEVNULL)
    with open("found.hex") as file:
        return {"#" + word for word in file.read().split()}


def test_pen(page):
    check("the pen has the palette to choose from", page.run(
        "return [...document.querySelectorAll('#colours input')].map((one) => getComputedStyle(one).backgroundColor)") ==
        ["rgb(%d, %d, %d)" % tuple(c) for c in PALETTE])
    page.click("#clear")
    page.click("#colours input:nth-child(3)")
    stroke = page.pointer("#picture", 1, 2, 6, 6)
    page.run("arguments[0].scrollIntoView({block: 'center'})", page.find("#picture"))
    ActionChains(page.browser).move_to_element_with_offset(page.find("#picture"), *stroke).click().perform()
    check("and paints the chosen one", page.state()[0][8] == 2 and sum(page.state()[0]) == 2, list(page.state()[0]))
    page.run("arguments[0].focus()", page.find("#colours input:nth-child(3)"))
    ActionChains(page.browser).send_keys(Keys.ARROW_RIGHT).perform()
    check("with keys too", page.run("return document.querySelector('[name=palette]:checked').value") == "3")


def test_colours(server, page):
    shown = page.run("""const canvas = document.getElementById('picture'), zoom = canvas.width / 6;
        return [...canvas.getContext('2d').getImageData(2.5 * zoom, 1.5 * zoom, 1, 1).data]""")
    check("the picture is in its colours", shown[:3] == PALETTE[2], shown)
    page.touch()
    page.click("[data-hole=lower]")
    image, known, state = page.state()
    answer = server.post("complete", image=text_of(image), known=text_of(known), seed=int(state["seed"]), count=8)[1]
    wanted = [[*PALETTE[level], 255] for level in bytes_of(answer["images"])[:36]]
    check("completions are", page.settled() and wait_until(lambda: colours_of(page, "#completions canvas") == wanted))


def test_nearest(page):
    check("the page says what becomes of pictures", "nearest to its own" in page.text("#palette-note"))
    page.run("""const canvas = document.createElement('canvas'); canvas.width = canvas.height = 18;
        const context = canvas.getContext('2d');
        ['#f00', '#200818', '#bbb', '#c01020', '#2030d0', '#30a040'].forEach((colour, i) => {
            context.fillStyle = colour; context.fillRect(3 * i, 0, 3, 18); });
        canvas.toBlob((blob) => { const data = new DataTransfer(); data.items.add(new File([blob], 'colours.png'));
            document.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true})); })""")
    check("each pixel of a dropped one gets the nearest colour", wait_until(
        lambda: page.state()[0] == bytes([2, 0, 4, 2, 1, 3]) * 6), list(page.state()[0][:6]))


def test_bars(server, page):
    page.run("arguments[0].scrollIntoView({block: 'center'})", page.find("#heat"))
    ActionChains(page.browser).move_to_element_with_offset(page.find("#heat"), *page.pointer("#heat", 4, 0, 6, 6)).perform()
    check("the histogram names colours", wait_until(lambda: page.text("#distributions p").startswith("Colour 2 #ff0000: p =")),
          page.text("#distributions p"))
    seen = {tuple(c[:3]) for c in colours_of(page, "#distributions canvas") if c[3] == 255}
    p = server.post("distribution", image=text_of(page.state()[0]), row=4, column=0)[1]["channels"][0]["probabilities"]
    missing = [c for c, value in zip(PALETTE, p) if value > 0.1 * max(p) and tuple(c) not in seen]
    check("and its bars are in them", not missing, missing, p)


def test_quiet(browser, server, page):
    hosts = page.run("return performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin)")
    check("no other host is asked", set(hosts) == {f"http://127.0.0.1:{server.port}"}, set(hosts))
    # It is this test that reads canvases so often; and newer requests take the place of older ones.
    log = [entry["message"] for entry in browser.get_log("browser") if entry["level"] != "INFO" and
           "willReadFrequently" not in entry["message"] and "409 (Conflict)" not in entry["message"]]
    check("the browser has nothing to complain of", not log, log)


def main():
    os.makedirs("downloads", exist_ok=True)
    browser = start_browser()
    try:
        files = [f"{MODELS}/{name}.safetensors" for name in ("mnist-row", "mnist-cnn", "cifar10-8x8", "cifar10-32x32-given-8x8")]
        with Server(program, *files, "--run", "row-run", "--beside", "cnn-run", "--time-limit", 600) as server:
            page = Page(browser, server.url)
            for test in (test_painting, test_settings):
                test(server, page)
            test_link(browser, server, page)
            test_thoughts(page)
            test_fields(server, page)
            test_pictures(page)
            test_keyboard(page)
            test_names(page)
            test_wall(page)
            test_chain(server, page)
            test_looks(page)
            test_training(page)
            test_quiet(browser, server, page)
        check("the server ends with 0", server.code == 0)
        test_palette(browser)
        test_token(browser)
    finally:
        browser.quit()
    finish()


main()
