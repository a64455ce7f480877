#!/usr/bin/env python3
"""drive.py PORT COUNT

Asks a server on this machine for /1 to /COUNT, eight at a time, and expects
"ok" of each. Waits until it is there. Fails with what was answered instead.
"""

import concurrent.futures
import sys
import time
import urllib.error
import urllib.request

WAIT_SECONDS = 30


def ask(port, number):
    url = "http://127.0.0.1:%s/%d" % (port, number)
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=90) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except urllib.error.URLError as error:
            # Nobody listens yet: nothing was asked.
            refused = isinstance(error.reason, ConnectionRefusedError)
            if not refused or time.monotonic() > end:
                return str(error)
        time.sleep(0.05)


def main(port, count):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ask(port, n),
                                range(1, int(count) + 1)))
    bad = [text for text in answers if text != "ok"]
    for text in bad[:5]:
        print("answer:", text)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
