"""The smallest program: says that it has started, then comes to a line to stop at."""

print("started", flush=True)
value = 1  # @stop
