"""Async Health: debug async Python. In a program under the Async Health debugger this is the live probe and API."""


def _rpc(text):
    """Take a request of the adapter (JSON); it is answered by an event."""
    from . import _ah_channel

    _ah_channel.queue_request(text)


def _in_operation(operation_id):
    """Does the code that asks run inside this `debug_async_operation`? The adapter guards its breakpoints with it."""
    from . import _ah_api

    return _ah_api.in_operation(operation_id)


def __getattr__(name):
    """The API (`AsyncDebugger`, `tracked_scope`, ...), loaded on first use; see `_ah_api.NAMES`."""
    if name.startswith("_"):
        raise AttributeError("module 'async_health' has no attribute %r" % (name,))
    from . import _ah_api

    value = globals()[name] = _ah_api.find(name)
    return value


def __dir__():
    from . import _ah_api

    return sorted(set(globals()) | set(_ah_api.NAMES))
