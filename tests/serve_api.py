"""The HTTP API of `pixelrnn serve`: serve_api.py PROGRAM SOURCE_DIR, in a folder where test_serve.sh has made small models."""
import json
import math
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from serve import Server, bytes_of, check, finish, read_npy, read_npy_file, text_of, wait_until

program, source = sys.argv[1:3]
MODELS = f"{source}/models"
DIGITS = f"{source}/data/mnist-binarized/valid-images-idx3-ubyte.gz"


def run(*arguments):
    subprocess.run([program, *map(str, arguments), "--quiet"], check=True, stdout=subprocess.DEVNULL)


def floats(data):
    return struct.unpack(f"<{len(data) // 4}f", data)


# ------------------------------------------------------------------------------------------- same as the commands

def draw_from_stream(lines, model, image=None, known=None):
    """The images that the lines of a stream draw."""
    height, width, channels = model["height"], model["width"], model["channels"]
    count = lines[0]["count"]
    images = [bytearray(image or bytes(height * width * channels)) for _ in range(count)]
    step = 1
    for line in lines:
        if "height" in line:
            step = height // line["height"]
        elif "values" in line:
            pixel = line["row"] * step * width + line["column"] * step
            for i in range(count):
                images[i][pixel * channels:(pixel + 1) * channels] = bytes(line["values"][i * channels:(i + 1) * channels])
    return b"".join(map(bytes, images))


def test_sampling(server, models):
    for name, files in (("mnist-row", [f"{MODELS}/mnist-row.safetensors"]),
                        ("small+large", ["small.safetensors", "large.safetensors"])):
        run("sample", *files, "--count", 6, "--seed", 5, "--temperature", 0.8, "--out", "sampled.npy")
        shape, _, wanted = read_npy_file("sampled.npy")
        how = {"model": name, "count": 6, "seed": 5, "temperature": 0.8}
        got = read_npy(server.raw("sample", format="npy", **how))
        check(f"{name}: samples are those of the command, bit for bit", got == (shape, "|u1", wanted))
        check(f"{name}: as JSON too", bytes_of(server.post("sample", **how)[1]["images"]) == wanted)
        lines = server.lines("sample", format="stream", **how)
        check(f"{name}: and pixel by pixel", draw_from_stream(lines, models[name]) == wanted and lines[-1]["done"])
        how["count"] = 2
        check(f"{name}: the last two by themselves", bytes_of(server.post("sample", first=4, **how)[1]["images"]) ==
              wanted[len(wanted) // 3 * 2:])
    stages = [line["height"] for line in lines if "height" in line]
    check("a chain draws its small images first", stages == [4, 8], stages)


def test_completion(server, models):
    run("complete", f"{MODELS}/mnist-row.safetensors", "--data", DIGITS, "--count", 1, "--known-rows", 12, "--samples", 3,
        "--seed", 9, "--out", "completed.npy")
    wanted = read_npy_file("completed.npy")[2]
    image, known = wanted[:784 // 28 * 12] + bytes(784 - 12 * 28), [1] * 12 * 28 + [0] * 16 * 28
    image = bytes(image)
    how = {"model": "mnist-row", "image": text_of(image), "known": known, "count": 3, "seed": 9}
    check("completions are those of the command", bytes_of(server.post("complete", **how)[1]["images"]) == wanted)
    lines = server.lines("complete", format="stream", **how)
    check("and pixel by pixel", draw_from_stream(lines, models["mnist-row"], image) == wanted)
    run("complete", "small.safetensors", "large.safetensors", "--data", "images.idx", "--count", 1, "--known-rows", 3,
        "--samples", 2, "--seed", 9, "--out", "completed.npy")
    wanted = read_npy_file("completed.npy")[2]
    how = {"model": "small+large", "image": text_of(wanted[:64]), "known": [1] * 24 + [0] * 40, "count": 2, "seed": 9}
    check("a chain's too", bytes_of(server.post("complete", **how)[1]["images"]) == wanted)
    lines = server.lines("complete", format="stream", **how)
    check("pixel by pixel", draw_from_stream(lines, models["small+large"], wanted[:64]) == wanted)


def test_scores(server):
    for name, files, data, size in (("mnist-row", [f"{MODELS}/mnist-row.safetensors"], DIGITS, 784),
                                    ("small+large", ["small.safetensors", "large.safetensors"], "images.idx", 64)):
        run("eval", *files, "--data", data, "--limit", 3, "--per-image", "nats.npy", "--per-value", "values.npy")
        run("convert", "--data", data, "--limit", 3, "--out", "seen.npy")
        images = bytes(byte // 128 for byte in read_npy_file("seen.npy")[2])
        nats = struct.unpack("<3d", read_npy_file("nats.npy")[2])
        shape, kind, values = read_npy_file("values.npy")
        status, answer = server.post("nll", model=name, images=text_of(images))
        check(f"{name}: likelihoods are those of eval", status == 200 and tuple(answer["nats"]) == nats, answer)
        check(f"{name}: the parts of the stages add up", all(abs(sum(parts) - whole) < 1e-6 for parts, whole in
                                                             zip(answer["stage_nats"], nats)))
        one = text_of(images[size:2 * size])
        got = read_npy(server.raw("values", model=name, image=one, format="npy"))
        check(f"{name}: values are those of eval --per-value, bit for bit",
              got == (shape[1:], kind, values[4 * size:8 * size]))
        answer = server.post("values", model=name, image=one)[1]
        check(f"{name}: in JSON too", struct.pack(f"<{size}f", *answer["values"]) == got[2] and answer["nats"] == nats[1])
        test_distribution(server, name, one, floats(got[2]), int(size ** 0.5))


def test_distribution(server, name, image, values, width):
    for row, column in ((0, 0), (width // 2, width // 2), (3, 5), (width - 1, width - 2)):
        answer = server.post("distribution", model=name, image=image, row=row, column=column)[1]
        channel, nats = answer["channels"][0], values[row * width + column]
        check(f"{name}: the distribution at {row}, {column} has the value's cost",
              abs(channel["nats"] - nats) < 1e-4 * max(1, nats) and abs(channel["bits"] - nats / math.log(2)) < 1e-3 and
              channel["level"] == bytes_of(image)[row * width + column], channel, nats)
        p = channel["probabilities"]
        entropy = -sum(x * math.log2(x) for x in p if x > 0)
        check("it sums to 1, and has the entropy that it says", abs(sum(p) - 1) < 1e-6 and
              abs(entropy - channel["entropy_bits"]) < 1e-4)


def test_field(server):
    image = bytearray((r * c) % 7 < 3 for r in range(8) for c in range(8))
    for name in ("tiny-row", "tiny-cnn", "small+large"):
        for row, column in ((5, 3), (4, 4)):
            lines = server.lines("field", model=name, image=text_of(image), row=row, column=column)
            moved = {(r, c) for line in lines[:-1] for r, c, _ in line["moved"]}
            check(f"{name}: the field at {row}, {column} is what single changes say",
                  moved == moved_by_changes(server, name, image, row, column) and lines[-1]["done"], sorted(moved))


def moved_by_changes(server, name, image, row, column):
    before = server.post("distribution", model=name, image=text_of(image), row=row, column=column)[1]["channels"]
    moved = set()
    for i in range(64):
        changed = bytearray(image)
        changed[i] = 1 - changed[i]
        after = server.post("distribution", model=name, image=text_of(changed), row=row, column=column)[1]["channels"]
        if after[0]["probabilities"] != before[0]["probabilities"] and i != row * 8 + column:
            moved.add((i // 8, i % 8))
    return moved


# ------------------------------------------------------------------------------------------------------ refusals

def test_refusals(server):
    zeros = text_of(bytes(784))
    for path, fields, status, says in (
            ("sample", {"count": 0}, 400, "count: a whole number from 1 to 256"),
            ("sample", {"count": 257}, 400, "count"),
            ("sample", {"count": "8"}, 400, "count"),
            ("sample", {"seed": -1}, 400, "seed"),
            ("sample", {"temperature": 0}, 400, "temperature"),
            ("sample", {"format": "png"}, 400, "format: one of json, npy and stream"),
            ("sample", {"modell": "x"}, 400, "'modell' is not a field"),
            ("sample", {"model": "../../etc/passwd"}, 404, "there is no model"),
            ("sample", {"row": 1}, 400, "'row' is not a field of this request"),
            ("nll", {}, 400, "the field 'images' is missing"),
            ("values", {}, 400, "the field 'image' is missing"),
            ("nll", {"images": zeros[:-4]}, 400, "images: has 783 values"),
            ("nll", {"images": zeros[:-1]}, 400, "base64"),
            ("nll", {"images": zeros, "image": zeros}, 400, "the same"),
            ("values", {"image": text_of(bytes(2 * 784))}, 400, "one image"),
            ("values", {"image": zeros, "format": "stream"}, 400, "format: values are json or npy"),
            ("sample", {"seed": 1 << 64}, 400, "has too large a number"),
            ("values", {"image": [2] * 784}, 400, "the model knows levels 0 to 1"),
            ("values", {"image": [256] * 784}, 400, "element 0 is not a whole number"),
            ("complete", {"image": zeros, "known": [1]}, 400, "known: has 1 values"),
            ("distribution", {"image": zeros, "row": 28, "column": 0}, 400, "row 28, column 0 is outside"),
            ("distribution", {"image": zeros, "row": 0}, 400, "'column' is missing"),
            ("runs/samples", {"run": 1}, 404, "there is no run 1"),
            ("nothing", {}, 404, "openapi.json")):
        got, answer = server.post(path, **fields)
        check(f"{path} {str(fields)[:40]}: {status}, and why", got == status and says in answer["error"], got, answer)
    for what, body in (("no JSON", b"{"), ("a list", b"[]"), ("nothing", b""), ("a field twice", b'{"seed":1,"seed":2}'),
                       ("deep", b"[" * 100000), ("no UTF-8", b'{"model":"\xff"}'), ("a zero", b'{"model":"a\\u0000b"}')):
        status, _, answer = server.ask("POST", "/api/v1/sample", body)
        check(f"{what} is refused", status == 400 and b'"error"' in answer, status, answer)
    status, _, answer = server.ask("POST", "/api/v1/sample", b"")
    check("an empty body is refused with what to send", status == 400 and b"send a JSON object" in answer, status, answer)


def test_http(server):
    port = server.port
    for name, method, path, headers, status in (
            ("another method", "GET", "/api/v1/sample", {}, 405),
            ("another method", "DELETE", "/api/v1/models", {}, 405),
            ("the page by POST", "POST", "/", {}, 405),
            ("no JSON", "POST", "/api/v1/sample", {"Content-Type": "text/plain"}, 415),
            ("no type", "POST", "/api/v1/sample", {"Content-Type": None}, 415),
            ("a form", "POST", "/api/v1/sample", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
            ("another site's name", "GET", "/api/v1/models", {"Host": f"evil.example:{port}"}, 403),
            ("another site's name for the page", "GET", "/", {"Host": "evil.example"}, 403),
            ("an address that is not ours", "GET", "/", {"Host": "10.1.2.3"}, 403),
            ("a Host that is none", "GET", "/", {"Host": "localhost:80:80"}, 403),
            ("localhost", "GET", "/api/v1/models", {"Host": "localhost:1234"}, 200),
            ("IPv6", "GET", "/api/v1/models", {"Host": "[::1]:1234"}, 200),
            ("another site's page", "GET", "/api/v1/models", {"Origin": "http://evil.example"}, 403),
            ("a page without a site", "GET", "/api/v1/models", {"Origin": "null"}, 403),
            ("another port's page", "GET", "/api/v1/models", {"Origin": "http://127.0.0.1:1"}, 403),
            ("our page", "GET", "/api/v1/models", {"Origin": f"http://127.0.0.1:{port}"}, 200),
            ("a picture in another site's page", "GET", "/api/v1/models", {"Sec-Fetch-Site": "cross-site"}, 403),
            ("our page's request", "GET", "/api/v1/models", {"Sec-Fetch-Site": "same-origin"}, 200),
            ("a path upwards", "GET", "/../../etc/passwd", {}, 404),
            ("a file of the program", "GET", "/cli/main.c", {}, 404)):
        got, _, body = server.ask(method, path, "{}" if method == "POST" else None, headers)
        check(f"{name}: {status}", got == status and (got == 200 or "error" in json.loads(body)), got, body)
    for path, allowed in (("/", "GET, HEAD"), ("/api/v1/models", "GET, HEAD"), ("/api/v1/sample", "POST")):
        status, headers, _ = server.ask("OPTIONS", path)
        check(f"{path}: what is allowed instead", status == 405 and headers["Allow"] == allowed, status, headers["Allow"])
    for path in ("/", "/api/v1/models"):
        status, headers, body = server.ask("HEAD", path)
        length = len(server.ask("GET", path)[2])
        check(f"HEAD {path}: as GET, without a body", status == 200 and body == b"" and
              int(headers["Content-Length"]) == length, status, headers["Content-Length"], length)
    status, headers, body = server.ask("GET", "/")
    check("the page has a strict policy", status == 200 and "default-src 'none'" in headers["Content-Security-Policy"] and
          headers["X-Content-Type-Options"] == "nosniff" and "unsafe" not in headers["Content-Security-Policy"])
    check("and nothing inline", b"<style" not in body and b" style=" not in body and b"onclick" not in body and
          body.count(b"<script") == body.count(b"<script type=\"module\" src="))
    status, headers, body = server.ask("GET", "/api/v1/openapi.json")
    described = set(json.loads(body)["paths"])
    known = {"/models", "/runs", "/runs/{run}/metrics.csv", "/runs/samples", "/sample", "/complete", "/nll", "/values",
             "/distribution", "/field"}
    check("the description has every path", described == known, described ^ known)


def test_large_bodies(server):
    status, _, body = server.ask("POST", "/api/v1/nll", b" " * (3 << 20))
    check("a body that is too large: 413", status == 413 and b"larger than any request" in body, status)
    with socket.create_connection(("127.0.0.1", server.port), 30) as one:
        one.sendall(b"POST /api/v1/nll HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            for _ in range(64):
                one.sendall(piece)
            one.sendall(b"0\r\n\r\n")
            answer = one.recv(100)
        except OSError:
            answer = b""
    check("without its length too", answer.startswith(b"HTTP/1.1 413"), answer)


# ------------------------------------------------------------------------------------------------ life of requests

LONG = {"model": "mnist-diagonal", "count": 256, "format": "stream"}


def ask_for_stream(server, key=None, turn="2", **fields):
    """A connection whose stream begins when its turn comes."""
    connection = server.open()
    headers = {"Content-Type": "application/json", **({"Pixelrnn-Key": key, "Pixelrnn-Turn": turn} if key else {})}
    connection.request("POST", "/api/v1/sample", json.dumps({**LONG, **fields}), headers)
    return connection


def begin_stream(server, *arguments):
    """A connection whose stream has begun, and its answer."""
    connection = ask_for_stream(server, *arguments)
    return connection, connection.getresponse()


def seconds_of(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_superseding(server):
    connection, answer = begin_stream(server, "somebody")
    answer.readline()
    other, other_answer = begin_stream(server, "somebody else")
    status, newer = server.post("sample", {"Pixelrnn-Key": "somebody", "Pixelrnn-Turn": "3"}, model="mnist-row", count=1)
    last = answer.read().splitlines()[-1]
    check("a newer request of the same key ends the older one", status == 200 and b"took its place" in last, last)
    status, outdated = server.post("sample", {"Pixelrnn-Key": "somebody else", "Pixelrnn-Turn": "1"}, model="mnist-row", count=1)
    check("one that was overtaken on its way ends itself", status == 409 and "took its place" in outdated["error"], status)
    check("another one's goes on", b'"done"' in other_answer.read().splitlines()[-1])
    connection.close()
    other.close()


def test_vanished(server):
    lines = server.lines("sample", **LONG)
    whole = lines[-1]["seconds"]
    for _ in range(6):
        connection, answer = begin_stream(server)
        answer.readline()
        answer.close()
        connection.close()
    took = seconds_of(lambda: server.post("sample", model="tiny-row", count=1))
    check("clients that vanish leave the workers free", took < 2 * whole + 1, took, whole)
    for _ in range(16):
        connection = server.open()
        connection.request("POST", "/api/v1/sample", json.dumps({**LONG, "format": "npy"}), {"Content-Type": "application/json"})
        connection.close()
    took = seconds_of(lambda: server.post("sample", model="tiny-row", count=1))
    check("those that wait for a whole answer too", took < 2 * whole + 1, took, whole)


def test_slow(server):
    """One that does not read, and ones that do not send, hold nobody up."""
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    for one in idle:
        one.sendall(b"POST /api/v1/sample HTTP/1.1\r\nHost: localhost\r\nContent-Ty")
    streams = [begin_stream(server) for _ in range(2)]  # all that may be lengthy
    took = seconds_of(lambda: server.post("values", model="tiny-row", image=text_of(bytes(64))))
    check("slow clients do not hold up others", took < 10, took)
    for connection, answer in streams:
        answer.close()
        connection.close()
    for one in idle:
        one.close()


def test_time_limit():
    with Server(program, f"{MODELS}/mnist-diagonal.safetensors", "--time-limit", "0.02") as server:
        status, answer = server.post("sample", count=256)
        check("--time-limit: 504, and why", status == 504 and "--time-limit" in answer["error"], status, answer)
        last = server.lines("sample", count=256, format="stream")[-1]
        check("in a stream as its last line", "--time-limit" in last.get("error", ""), last)


def test_token():
    with Server(program, "tiny-row.safetensors", "--host", "0.0.0.0", "--quiet") as server:
        check("a server for everybody prints an address that leads to it", server.address == f"127.0.0.1:{server.port}")
        check("and a token", len(server.token) == 32)
        check("with the token it answers", server.get("models")[0] == 200)
        for header in (None, "Bearer wrong", "Bearer " + server.token[:-1], "Bearer " + server.token + "0", "Basic " + server.token):
            status, _, body = server.ask("GET", "/api/v1/models", headers={"Authorization": header})
            check(f"{header and header[:12]}: 401", status == 401 and b"token" in body, status)
        check("the page comes without", server.ask("GET", "/", headers={"Authorization": None})[0] == 200)
        check("an address is no other site's name", server.ask("GET", "/", headers={"Host": "10.1.2.3:80"})[0] == 200)
        check("a name is", server.ask("GET", "/", headers={"Host": "evil.example"})[0] == 403)
    with Server(program, "tiny-row.safetensors", "--token", "secret-1", "--name", "studio.example") as server:
        check("--token", server.token == "secret-1" and server.get("models")[0] == 200 and
              server.ask("GET", "/api/v1/models", headers={"Authorization": "Bearer other"})[0] == 401)
        check("--name", server.ask("GET", "/", headers={"Host": "studio.example"})[0] == 200)


def test_where():
    with Server(program, "tiny-row.safetensors") as server:
        second = subprocess.run([program, "serve", "tiny-row.safetensors", "--port", str(server.port)], capture_output=True,
                                text=True, timeout=60)
        check("a port that is taken", second.returncode == 1 and "--port 0" in second.stderr, second)
    os.mkdir("bin")
    with open("bin/xdg-open", "w") as file:
        file.write("#!/bin/sh\necho \"$1\" >opened.txt\n")
    os.chmod("bin/xdg-open", 0o755)
    path = os.environ["PATH"]
    os.environ["PATH"] = "bin:" + path
    with Server(program, "tiny-row.safetensors", "--open", "--token", "just.for~you") as server:
        opened = wait_until(lambda: os.path.exists("opened.txt") and os.path.getsize("opened.txt") > 0)
        check("--open shows the address in a browser", opened and read_text("opened.txt").strip() == server.url)
    os.environ["PATH"] = path


def read_text(path):
    with open(path) as file:
        return file.read()


def test_end():
    for number in (signal.SIGTERM, signal.SIGINT):
        server = Server(program, f"{MODELS}/mnist-diagonal.safetensors")
        first, answer = begin_stream(server)
        answer.readline()
        waiting = [ask_for_stream(server) for _ in range(4)]
        took = seconds_of(lambda: server.stop(number))
        check(f"{number.name} ends it with 0, at once, whatever is under way", server.code == 0 and took < 10, server.code, took)
        for connection in [first, *waiting]:
            connection.close()


# ---------------------------------------------------------------------------------------------------- trainings

def test_runs():
    with Server(program, "--run", "run", "--beside", "other") as server:
        runs = server.get("runs")[1]["runs"]
        check("both runs are there", [run["name"] for run in runs] == ["run", "other"] and
              runs[0]["metrics.csv"]["bytes"] == os.path.getsize("run/metrics.csv"), runs)
        with open("run/metrics.csv", "rb") as file:
            check("a log is the file", server.ask("GET", "/api/v1/runs/0/metrics.csv")[2] == file.read())
        run("sample", "run", "--count", 4, "--seed", 3, "--out", "sampled.npy")
        answer = server.post("runs/samples", run=0, count=4, seed=3)[1]
        check("its samples are those of its model", bytes_of(answer["images"]) == read_npy_file("sampled.npy")[2])
        os.rename("other/model.safetensors", "other/moved")
        status, answer = server.post("runs/samples", run=1)
        check("a run without a model yet", status == 404 and "after a validation" in answer["error"], answer)
        os.rename("other/moved", "other/model.safetensors")
        check("without models there is nothing to sample", server.post("sample")[0] == 404)


# ------------------------------------------------------------------------------------------- palettes and sizes

PALETTE = [[20, 20, 20], [0, 0, 255], [255, 0, 0], [0, 255, 0], [255, 255, 255]]  # of make_sprites, the darkest first


def test_palette():
    files = ["sprites.safetensors", "tiny-row.safetensors", "sprites-3.safetensors", "sprites-6.safetensors",
             "reversed-3.safetensors"]
    with open(files[2], "rb") as file:
        words = " ".join("#%02x%02x%02x" % tuple(colour) for colour in PALETTE).encode()
        whole = file.read()
    with open(files[4], "wb") as file:
        file.write(whole.replace(words, b" ".join(reversed(words.split()))))
    with Server(program, *files, "--run", "sprites-run") as server:
        models = {model["name"]: model for model in server.get("models")[1]["models"]}
        check("a model's palette is told", models["sprites"]["palette"] == PALETTE, models["sprites"])
        check("and where there is none, none", "palette" not in models["tiny-row"])
        check("a chain has its models' palette, and none is of two", models.get("sprites-3+sprites-6", {}).get("palette") ==
              PALETTE and "reversed-3+sprites-6" not in models, list(models))
        run("sample", "sprites.safetensors", "--count", 4, "--seed", 3, "--out", "sampled.npy")
        answer, wanted = server.post("sample", count=4, seed=3)[1], read_npy_file("sampled.npy")[2]
        check("samples are numbers of its colours", bytes_of(answer["images"]) == wanted and answer["palette"] == PALETTE)
        answer = server.post("runs/samples", run=0, count=4, seed=3)[1]
        check("a run's too", bytes_of(answer["images"]) == wanted and answer["palette"] == PALETTE)
    status = subprocess.run([program, "serve", files[4], files[3]], capture_output=True, text=True, timeout=60)
    check("small images in other colours are none for a model", status.returncode == 2 and
          "sprites-6.safetensors draws images given small ones of 3 x 3" in status.stderr, status)


def test_size():
    with Server(program, "tiny-row.safetensors", "small.safetensors", "--size", "5x12") as server:
        models = server.get("models")[1]["models"]
        check("--size: the models are of that size", [(m["height"], m["width"]) for m in models] == [(5, 12)] * 2 and
              models[0]["stages"][0]["width"] == 12, models)
        run("sample", "tiny-row.safetensors", "--size", "5x12", "--count", 4, "--seed", 3, "--out", "sampled.npy")
        shape, kind, wanted = read_npy_file("sampled.npy")
        check("and draw what the command draws", read_npy(server.raw("sample", count=4, seed=3, format="npy")) ==
              (shape, kind, wanted) and shape == (4, 5, 12, 1), shape)
        run("eval", "tiny-row.safetensors", "--size", "5x12", "--data", "sampled.npy", "--values", "levels", "--per-image",
            "nats.npy")
        check("and measure what it measures", tuple(server.post("nll", images=text_of(wanted))[1]["nats"]) ==
              struct.unpack("<4d", read_npy_file("nats.npy")[2]))
        check("images of their own size are refused", server.post("values", image=text_of(bytes(64)))[0] == 400)


def main():
    arguments = [f"{MODELS}/mnist-row.safetensors", f"{MODELS}/mnist-diagonal.safetensors", "tiny-row.safetensors",
                 "tiny-cnn.safetensors", "small.safetensors", "large.safetensors",
                 "--time-limit", 600]
    with Server(program, *arguments) as server:
        models = {model["name"]: model for model in server.get("models")[1]["models"]}
        check("models and chains have names", list(models) == ["mnist-row", "mnist-diagonal", "tiny-row", "tiny-cnn", "small",
                                                               "small+large"], list(models))
        test_sampling(server, models)
        test_completion(server, models)
        test_scores(server)
        test_field(server)
        test_refusals(server)
        test_http(server)
        test_large_bodies(server)
        test_superseding(server)
        test_vanished(server)
        test_slow(server)
        check("the server is as before", server.get("models")[0] == 200)
    check("and ends with 0", server.code == 0, server.code)
    test_palette()
    test_size()
    test_time_limit()
    test_token()
    test_runs()
    test_where()
    test_end()
    finish()


main()
