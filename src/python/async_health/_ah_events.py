"""Handlers of the program for events of its debugger."""

import sys
import time

from . import _ah_core as core


class EventHandlers:
    """`register(type, handler)`, `tell(type, data)`. A handler that raises is reported once and stays registered."""

    def __init__(self):
        self._handlers = {}  # type -> [(handler, loop or None)]
        self._failed = set()

    def register(self, event_type, handler):
        if not callable(handler):
            raise TypeError("handler must be callable, not %r" % (handler,))
        entry = (handler, _running_loop())
        self._handlers.setdefault(event_type, []).append(entry)

        def unregister():
            entries = self._handlers.get(event_type, [])
            if entry in entries:
                entries.remove(entry)

        return unregister

    def tell(self, event_type, data):
        entries = self._handlers.get(event_type, ()), self._handlers.get("*", ())
        if not entries[0] and not entries[1]:
            return
        event = {"type": event_type, "time": time.time(), "data": data}
        here = _running_loop()
        for handler, loop in list(entries[0]) + list(entries[1]):
            if loop is None or loop is here:
                self._call(handler, event)
            elif not loop.is_closed():
                try:
                    loop.call_soon_threadsafe(self._call, handler, event)
                except RuntimeError:  # closed in between
                    continue

    def _call(self, handler, event):
        try:
            handler(event)
        except Exception as error:
            if handler not in self._failed:
                self._failed.add(handler)
                text = "Event handler %r failed: %s" % (handler, core._describe(error))
                core.note({"kind": "message", "level": "warning", "text": text})


def _running_loop():
    events = sys.modules.get("asyncio.events")
    return events._get_running_loop() if events is not None else None
