"""No asyncio anywhere: through the adapter it must debug exactly as under stock debugpy."""

import sys
import threading


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def move(self, dx):
        self.x += dx  # @move
        return self


def fails(value):
    raise ValueError("no good: %r" % (value,))  # @raise


def work(n):
    total = 0
    for i in range(n):
        total += i  # @loop
    return total


def main():
    point = Point(1, 2)
    names = {"a": 1, "b": [1, 2, 3]}
    point.move(3)  # @call
    total = work(5)
    worker = threading.Thread(target=work, args=(3,), name="worker")
    worker.start()
    worker.join()
    try:
        fails(total)
    except ValueError as error:
        print("caught", error)  # @caught
    print("total", total, names, point.x)
    sys.stderr.write("to stderr\n")
    return 3


code = main()
sys.exit(code)  # @end
