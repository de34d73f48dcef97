"""`repr` of a task or future stays what it was: the probe's done callback does not show."""

from . import _ah_core as core


def hide_from_repr(base_futures, done):
    """Leave the callback `done` out of what `repr` says of a future."""
    plain = base_futures._future_repr_info
    format_callbacks = base_futures._format_callbacks

    def _future_repr_info(future):
        info = plain(future)
        callbacks = future._callbacks
        if callbacks and any(entry[0] is done for entry in callbacks):
            rest = [entry for entry in callbacks if entry[0] is not done]
            shown = format_callbacks(callbacks)
            if shown in info:
                at = info.index(shown)
                info[at : at + 1] = [format_callbacks(rest)] if rest else []
        return info

    core.patch(base_futures, "_future_repr_info", _future_repr_info, "tasks.repr")
