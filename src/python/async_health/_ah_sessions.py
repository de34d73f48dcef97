"""Sessions, clients, connections and pools of well-known libraries: opened, used, closed, lost, and their pools' state.

Nothing is imported here: a library is hooked once the program has imported it. `_TABLE` says for each class which methods
make, open, use and close it. A client counts as open from the call that acquires something, with the stack of its creation.
"""

import os
import sys
import weakref

from . import _ah_core as core
from . import _ah_locks as locks
from . import _ah_sessions_pools as pools
from . import _ah_splice as splice
from . import _ah_wire as w
from ._ah_intern import RARE_DEPTHS

_MAX_TRACKED = 20_000
_POOLS_PER_TICK = 100


class Spec:
    """One class: `kind` is what the panel shows; the others are method names, `pool` reads (in use, size, waiting)."""

    def __init__(self, module, path, kind, makes=(), opens=(), closes=(), operations=(), pool=None):
        self.module = module
        self.path = path
        self.kind = kind
        self.makes = makes
        self.opens = opens
        self.closes = closes
        self.operations = operations
        self.pool = pool


_TABLE = [
    Spec(
        "aiohttp.client",
        "ClientSession",
        "aiohttp.ClientSession",
        opens=("__init__",),
        closes=("close",),
        operations=("_request",),
        pool=pools.aiohttp_pool,
    ),
    Spec(
        "httpx._client",
        "AsyncClient",
        "httpx.AsyncClient",
        opens=("__init__", "send", "__aenter__"),
        closes=("aclose", "__aexit__"),
        operations=("send",),
        pool=pools.httpx_pool,
    ),
    # mcp 1.x has the session's life in a base class, later versions in the class itself.
    Spec(
        "mcp.shared.session",
        "BaseSession",
        "mcp.ClientSession",
        makes=("__init__",),
        opens=("__aenter__",),
        closes=("__aexit__",),
        operations=("send_request",),
    ),
    Spec(
        "mcp.client.session",
        "ClientSession",
        "mcp.ClientSession",
        makes=("__init__",),
        opens=("__aenter__",),
        closes=("__aexit__",),
        operations=("send_request",),
    ),
    Spec(
        "sqlalchemy.ext.asyncio.engine",
        "AsyncEngine",
        "sqlalchemy.AsyncEngine",
        opens=("__init__",),
        closes=("dispose",),
        pool=pools.sqlalchemy_pool,
    ),
    Spec(
        "sqlalchemy.ext.asyncio.session",
        "AsyncSession",
        "sqlalchemy.AsyncSession",
        makes=("__init__",),
        opens=("execute", "scalar", "scalars", "stream", "flush", "get", "connection", "__aenter__"),
        closes=("close", "invalidate"),
        operations=("execute", "scalar", "scalars", "flush", "commit", "get"),
    ),
    Spec(
        "asyncpg.connection",
        "Connection",
        "asyncpg.Connection",
        opens=("__init__",),
        closes=("_cleanup",),
        operations=("_execute", "_executemany", "execute"),
    ),
    Spec(
        "asyncpg.pool",
        "Pool",
        "asyncpg.Pool",
        makes=("__init__",),
        opens=("_initialize",),
        closes=("close", "terminate"),
        operations=("_acquire", "release"),
        pool=pools.asyncpg_pool,
    ),
    Spec(
        "websockets.asyncio.connection",
        "Connection",
        "websockets.Connection",
        makes=("__init__",),
        opens=("connection_made",),
        closes=("connection_lost",),
        operations=("send",),
    ),
    Spec(
        "websockets.legacy.protocol",
        "WebSocketCommonProtocol",
        "websockets.legacy.Connection",
        makes=("__init__",),
        opens=("connection_made",),
        closes=("connection_lost",),
        operations=("send",),
    ),
    Spec(
        "redis.asyncio.client",
        "Redis",
        "redis.asyncio.Redis",
        makes=("__init__",),
        opens=("execute_command", "__aenter__"),
        closes=("aclose", "close", "__aexit__"),
        operations=("execute_command",),
    ),
    Spec(
        "redis.asyncio.connection",
        "ConnectionPool",
        "redis.asyncio.ConnectionPool",
        makes=("__init__",),
        opens=("get_connection",),
        closes=("disconnect", "aclose"),
        pool=pools.redis_pool,
    ),
]


class _Ref(weakref.ref):
    __slots__ = ("key",)


class Known:
    """One open session."""

    __slots__ = ("key", "ref", "kind", "task", "stack", "pool", "told", "name", "operations", "failures")

    def __init__(self, key, ref, kind, task, stack, pool):
        self.key = key
        self.ref = ref
        self.kind = kind
        self.task = task
        self.stack = stack
        self.pool = pool
        self.told = None
        self.name = None
        #: Those that are over.
        self.operations = self.failures = 0


open_sessions = {}  # address -> Known
made = {}  # address -> (weak reference, task, stack id) of clients that hold nothing yet


def _lost(ref):
    try:
        known = open_sessions.get(ref.key)
        if known is not None and known.ref is ref:
            del open_sessions[ref.key]
            core.emit(w.OP_SESSION_LOST, ref.key)
    except Exception:  # interpreter shutdown
        pass


def _unmade(ref):
    try:
        entry = made.get(ref.key)
        if entry is not None and entry[0] is ref:
            del made[ref.key]
    except Exception:  # interpreter shutdown
        pass


def _stack(frame):
    level = core.state.level
    return core.stack_id(locks.outside(frame), RARE_DEPTHS[level]) if level else 0


def note_made(session, frame):
    """A client was made that holds nothing yet; where is kept for when it opens."""
    if len(made) >= _MAX_TRACKED:
        return
    try:
        ref = _Ref(session, _unmade)
    except TypeError:
        return
    ref.key = id(session)
    made[ref.key] = (ref, core.current_task_id(), _stack(frame))


def note_open(session, kind, frame, pool=None):
    """A session is open from now on; returns its Known, None when there are too many."""
    key = id(session)
    known = open_sessions.get(key)
    if known is not None:
        if known.ref is None or known.ref() is session:
            return known
        _lost(known.ref)
    if len(open_sessions) >= _MAX_TRACKED:
        return None
    try:
        ref = _Ref(session, _lost)
        ref.key = key
    except TypeError:
        ref = None  # asyncpg's Pool: its loss cannot be seen
    entry = made.get(key)
    if entry is not None and entry[0]() is session:
        _ref, task, stack = entry
    else:
        task, stack = core.current_task_id(), _stack(frame)
    known = open_sessions[key] = Known(key, ref, kind, task, stack, pool)
    core.emit(w.OP_SESSION_OPEN, key, task, core.string_id(kind), stack)
    return known


def note_close(session):
    """The session was closed by the program."""
    known = open_sessions.get(id(session))
    if known is not None and (known.ref is None or known.ref() is session):
        del open_sessions[known.key]
        core.emit(w.OP_SESSION_CLOSE, known.key, core.current_task_id())


def name_session(session, name):
    """The program's own name for an open session."""
    known = open_sessions.get(id(session))
    if known is not None:
        known.name = name
        core.emit(w.OP_SESSION_NAME, known.key, 0, core.string_id(name))


def begin_operation(session):
    """A token for `end_operation`: [session address, start ns, failed]."""
    key = id(session)
    core.emit(w.OP_SESSION_OP, key, core.current_task_id(), 0)
    return [key, core.now(), False]


def end_operation(token):
    known = open_sessions.get(token[0])
    if known is not None:
        known.operations += 1
        known.failures += token[2]
    core.emit(w.OP_SESSION_OP, token[0], core.current_task_id(), 2 if token[2] else 1, core.now() - token[1])


def _tell_pool(known, session):
    try:
        state = known.pool(session)
    except Exception:  # a version of the library with other insides: no pool state, all else works
        known.pool = None
        return
    if state is not None and state != known.told:
        known.told = state
        core.emit(w.OP_SESSION_POOL, known.key, *state)


def _hooks_of(spec):
    """The functions that the class's edited methods see as `AH`."""
    hook_name = "session:" + spec.kind
    ah = locks.Hooks()

    @core.hook(hook_name)
    def made_hook(session):
        note_made(session, sys._getframe(2))

    @core.hook(hook_name)
    def opened(session):
        note_open(session, spec.kind, sys._getframe(2), spec.pool)

    @core.hook(hook_name)
    def closed(session):
        note_close(session)

    @core.hook(hook_name)
    def begin(session):
        known = open_sessions.get(id(session))
        if known is not None and known.ref is None and known.pool is not None:
            _tell_pool(known, session)  # the probe's thread has no way to it
        return begin_operation(session)

    @core.hook(hook_name)
    def fail(token):
        if token is not None:
            token[2] = True

    @core.hook(hook_name)
    def done(token):
        if token is not None:
            end_operation(token)

    ah.made, ah.opened, ah.closed, ah.begin, ah.fail, ah.done = made_hook, opened, closed, begin, fail, done
    return hook_name, ah


def _install(spec, module):
    cls = getattr(module, spec.path, None)
    if cls is None:
        return
    package = sys.modules.get(spec.module.partition(".")[0])
    if getattr(package, "__file__", None):
        locks.add_directory(os.path.dirname(package.__file__) + os.sep)
    hook_name, ah = _hooks_of(spec)
    own = vars(cls)
    for name in spec.operations:
        if name in own:
            splice.apply(hook_name, own[name], splice.around(ah))
    for name in spec.opens:
        if name in own:
            # A constructor or a callback opens once it is through, a request before it waits.
            edit = splice.append if name in ("__init__", "connection_made") else splice.prepend
            splice.apply(hook_name, own[name], edit("AH.opened(self)", ah))
    for name in spec.makes:
        if name in own:
            splice.apply(hook_name, own[name], splice.append("AH.made(self)", ah))
    for name in spec.closes:
        if name in own:
            splice.apply(hook_name, own[name], splice.prepend("AH.closed(self)", ah))


def _watch(spec):
    def imported(module):
        _install(spec, module)

    core.on_import(spec.module, imported)


# --- on the probe's thread --------------------------------------------------------------------------------------------


def _tick():
    count = 0
    for known in list(open_sessions.values()):
        if known.pool is None:
            continue
        count += 1
        if count > _POOLS_PER_TICK:
            break
        session = known.ref() if known.ref is not None else None
        if session is not None:
            _tell_pool(known, session)


def _sync():
    for known in list(open_sessions.values()):
        core.emit(w.OP_SESSION_OPEN, known.key, known.task, core.string_id(known.kind), known.stack)
        if known.name:
            core.emit(w.OP_SESSION_NAME, known.key, 0, core.string_id(known.name))
        if known.told is not None:
            core.emit(w.OP_SESSION_POOL, known.key, *known.told)


def _forget():
    for known in list(open_sessions.values()):
        known.stack = 0
    for key, (ref, task, _stack_number) in list(made.items()):
        made[key] = (ref, task, 0)


def install(options):
    """Hook each library once it is imported."""
    core.on_tick(_tick)
    core.on_sync(_sync)
    core.on_start(_forget)
    for spec in _TABLE:
        _watch(spec)
