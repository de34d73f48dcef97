"""Reading the pools of well-known clients: each function gives (in use, size, waiting) as ints, or None when there is none.

They run on the probe's thread and only read lengths; what a version does not have raises and ends the sampling.
"""


def aiohttp_pool(session):
    """`ClientSession`: its connector; size is the limit, 0 for unlimited."""
    connector = session._connector
    if connector is None:
        return None
    waiting = sum(len(queue) for queue in list(connector._waiters.values()))
    return (len(connector._acquired), connector._limit, waiting)


def httpx_pool(client):
    """`AsyncClient`: the httpcore pool of its transport; size is the maximum."""
    pool = client._transport._pool
    connections = list(pool.connections)
    busy = sum(1 for connection in connections if not connection.is_idle())
    requests = list(getattr(pool, "_requests", ()))
    waiting = sum(1 for request in requests if getattr(request, "connection", None) is None)
    size = pool._max_connections
    return (busy, size if isinstance(size, int) and size < 2**53 else 0, waiting)


def sqlalchemy_pool(engine):
    """`AsyncEngine`: a QueuePool's checked-out connections; size includes the allowed overflow."""
    pool = engine.sync_engine.pool
    if not hasattr(pool, "checkedout") or not hasattr(pool, "size"):
        return None
    size = pool.size()
    overflow = getattr(pool, "_max_overflow", 0)
    queue = getattr(getattr(pool, "_pool", None), "_queue", None)
    waiting = len(getattr(queue, "_getters", ()))
    return (pool.checkedout(), size + max(overflow, 0), waiting)


def asyncpg_pool(pool):
    """`Pool`: connections in use of the maximum."""
    if pool._queue is None:
        return None
    return (pool.get_size() - pool.get_idle_size(), pool.get_max_size(), len(pool._queue._getters))


def redis_pool(pool):
    """`ConnectionPool`: connections in use of the maximum."""
    size = pool.max_connections
    return (len(pool._in_use_connections), size if size < 2**31 else 0, 0)
