"""What the tests of `pixelrnn serve` share: a server of one's own, and questions to it. Python's standard library alone."""
import base64
import http.client
import json
import os
import signal
import struct
import subprocess
import sys
import time


class Server:
    """`pixelrnn serve` on a free port, until the end of a with-block; `code` is then its exit code."""

    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([program, "serve", *map(str, arguments), "--port", "0"],
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise SystemExit("the server did not start")
        self.address, _, self.fragment = self.url[len("http://"):].partition("/")
        self.token = self.fragment.partition("token=")[2]
        self.port = int(self.address.rpartition(":")[2])
        self.code = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, number=signal.SIGTERM):
        if self.code is None:
            self.process.send_signal(number)
            self.code = self.process.wait(timeout=60)
            self.process.stdout.close()
        return self.code

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def open(self, timeout=120):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None):
        """Status, headers and bytes of an answer."""
        connection = self.open()
        try:
            all_headers = {"Content-Type": "application/json"} if method == "POST" else {}
            if self.token:
                all_headers["Authorization"] = "Bearer " + self.token
            all_headers.update(headers or {})
            connection.request(method, path, body, {k: v for k, v in all_headers.items() if v is not None})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path):
        status, _, body = self.ask("GET", "/api/v1/" + path)
        return status, json.loads(body)

    def post(self, path, headers=None, **fields):
        status, _, body = self.ask("POST", "/api/v1/" + path, json.dumps(fields), headers)
        return status, json.loads(body)

    def raw(self, path, **fields):
        status, _, body = self.ask("POST", "/api/v1/" + path, json.dumps(fields))
        assert status == 200, body
        return body

    def lines(self, path, **fields):
        """All lines of a stream."""
        return [json.loads(line) for line in self.raw(path, **fields).splitlines()]


failures = 0


def check(name, ok, *more):
    """One line a check, as tests/shell.sh prints them."""
    global failures
    print(("ok - " if ok else "FAIL - ") + name, *([] if ok else more), flush=True)
    failures += not ok
    return ok


def finish():
    print(f"{failures} failed" if failures else "all passed")
    sys.exit(failures > 0)


def read_npy(data):
    """Shape, type and bytes of a .npy."""
    assert data[:6] == b"\x93NUMPY"
    length = struct.unpack("<H", data[8:10])[0]
    head = eval(data[10:10 + length])  # a literal, of our own program
    return head["shape"], head["descr"], data[10 + length:]


def read_npy_file(path):
    with open(path, "rb") as file:
        return read_npy(file.read())


def text_of(levels):
    return base64.b64encode(bytes(levels)).decode()


def bytes_of(text):
    return base64.b64decode(text)


def wait_until(question):
    """Whether the answer became true: the limit is for what never comes, long enough for a sanitizer on a busy machine."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        if question():
            return True
        time.sleep(0.02)
    return False
