"""Async Health: debug async Python. In a program under the Async Health debugger this is the live probe and API."""


def _rpc(text):
    """Take a request of the adapter (JSON); it is answered by an event."""
    from . import _ah_channel

    _ah_channel.queue_request(text)
