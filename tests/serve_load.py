"""Many clients at once, and requests that are none: serve_load.py PROGRAM SOURCE_DIR [CLIENTS [REQUESTS [MALFORMED]]]
Every answer is 200 or 503; memory stays; the server answers afterwards."""
import json
import random
import socket
import sys
import threading
import time

from serve import Server, check, finish, text_of

program, source = sys.argv[1:3]
CLIENTS, REQUESTS, MALFORMED = [int(word) for word in sys.argv[3:6]] + [100, 3, 1000][len(sys.argv[3:6]):]
# The address sanitizer keeps what is freed, up to so much.
QUARANTINE = (256 << 20) if b"__asan_init" in open(program, "rb").read() else 0
ZEROS = text_of(bytes(784))
WORK = [("sample", {"count": 4, "format": "stream"}), ("nll", {"images": ZEROS}), ("values", {"image": ZEROS}),
        ("complete", {"image": ZEROS, "known": [1] * 500 + [0] * 284, "count": 4, "format": "stream"}),
        ("distribution", {"image": ZEROS, "row": 20, "column": 3})]


def be_client(server, number, answers):
    for i in range(REQUESTS):
        path, fields = WORK[(number + i) % len(WORK)]
        try:
            answers.append(server.ask("POST", "/api/v1/" + path, json.dumps(fields))[0])
        except OSError as error:
            answers.append(repr(error))


def crowd(server):
    answers = []
    threads = [threading.Thread(target=be_client, args=(server, i, answers)) for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def malform(random_numbers):
    """Bytes that look like a request for a while."""
    body = b'{"model":"mnist-diagonal-1","count":2,"seed":7,"temperature":1.0,"image":"' + ZEROS[:40].encode() + b'","known":[1,0]}'
    text = bytearray(b"POST /api/v1/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" %
                     (random_numbers.choice([b"sample", b"complete", b"nll", b"field", b"values"]), len(body), body))
    for _ in range(random_numbers.randrange(1, 8)):
        at = random_numbers.randrange(len(text))
        what = random_numbers.randrange(4)
        if what == 0:
            text[at] = random_numbers.randrange(256)
        elif what == 1:
            del text[at:at + random_numbers.randrange(1, 20)]
        elif what == 2:
            text[at:at] = bytes(random_numbers.randrange(256) for _ in range(random_numbers.randrange(1, 9)))
        else:
            text[at:at] = text[max(0, at - 30):at]
        text = text or bytearray(b"x")
    return bytes(text)


def send_malformed(server, random_numbers):
    with socket.create_connection(("127.0.0.1", server.port), 20) as one:
        try:
            one.sendall(malform(random_numbers))
            one.shutdown(socket.SHUT_WR)
            while one.recv(65536):
                pass
        except ConnectionError:
            pass


def main():
    random_numbers = random.Random(1)
    with Server(program, f"{source}/models/mnist-diagonal-1.safetensors", "--time-limit", 600) as server:
        crowd(server)
        warm = server.memory()
        began = time.monotonic()
        answers = crowd(server)
        seconds = time.monotonic() - began
        odd = sorted({str(answer) for answer in answers if answer not in (200, 503)})
        check(f"{CLIENTS} clients get answers", len(answers) == CLIENTS * REQUESTS and not odd, odd)
        check("most of them what they asked for", answers.count(200) > len(answers) / 4, answers.count(200))
        for _ in range(MALFORMED):
            send_malformed(server, random_numbers)
        grown = server.memory() - warm
        check("memory does not grow", grown < QUARANTINE + (32 << 20), grown)
        check("the server is as before", server.get("models")[0] == 200)
        print(f"{len(answers)} requests in {seconds:.2f} s, {answers.count(200)} answered, {answers.count(503)} times 503; "
              f"then {MALFORMED} malformed; memory {warm >> 20} MB, and {grown >> 10} KB more")
    check("and ends with 0", server.code == 0, server.code)
    finish()


main()
