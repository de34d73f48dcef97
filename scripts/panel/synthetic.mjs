// A made-up program as a stream of probe batches, for measuring: a tree of tasks, groups, locks and sessions of which a fixed
// number of things change each tick. Deterministic: the same options give the same stream.

/** Small seeded generator (mulberry32), so that runs compare. */
function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const NAMES = ['handle_request', 'fetch_user', 'poll_orders', 'consume', 'refresh_cache', 'heartbeat', 'upload', 'reindex'];
const FILES = ['server.py', 'client.py', 'orders.py', 'consumer.py', 'cache.py', 'health.py', 'storage.py', 'search.py'];

/**
 * @param {object} wire the enums of src/shared/wire.ts
 * @param {{ tasks?: number, changesPerSecond?: number, tickMs?: number, seed?: number, locks?: number, sessions?: number }} options
 * @returns {{ first: object, next(): object }} ProbeBatch objects, as the probe would send them
 */
export function syntheticProgram(
  wire,
  { tasks = 1_000, changesPerSecond = 5_000, tickMs = 100, seed = 1, locks = 40, sessions = 12 } = {},
) {
  const { Op, Wait, ScopeKind, LockKind, Outcome, ScopeFlag } = wire;
  const rand = random(seed);
  const pick = (n) => Math.floor(rand() * n);
  const defs = { strings: [], frames: [], stacks: [] };
  let lastString = 0;
  const string = (text) => {
    defs.strings.push([++lastString, text]);
    return lastString;
  };
  const names = NAMES.map((name) => string(name));
  const files = FILES.map((file) => string(`/srv/shop/app/${file}`));
  const stacks = [];
  for (let i = 0; i < 64; i++) {
    defs.frames.push([i + 1, files[i % 8], names[(i * 3) % 8], 10 + i]);
    defs.stacks.push([i + 1, i + 1, ((i * 7) % 64) + 1, ((i * 11) % 64) + 1]);
    stacks.push(i + 1);
  }
  const kinds = { loop: string('asyncio'), session: string('aiohttp.ClientSession'), error: string('TimeoutError: no answer within 5 s') };

  let t = 0;
  let seq = 0;
  let rows = [];
  const row = (op, obj = 0, task = 0, aux = 0, stack = 0) => rows.push(op, t, obj, task, aux, stack);
  const batch = (more = {}) => {
    const bytes = Buffer.from(BigInt64Array.from(rows, (number) => BigInt(Math.trunc(number))).buffer);
    rows = [];
    const history = 90 + 40 * Math.sin(seq / 50);
    const sys = {
      cpu: 0.3 + 0.2 * Math.sin(seq / 17) + rand() * 0.1,
      rss: history * 2 ** 20,
      threads: 9,
      fds: 64,
      gc: { collections: seq, pauseNs: seq * 120_000, longestNs: 4e6 },
    };
    return { type: 'batch', pid: 4242, seq: ++seq, t, rows: bytes.toString('base64'), sys, ...more };
  };

  const LOOP = 0x10;
  const addressOf = (i) => 0x100000 + i * 64;
  let nextTask = 0;
  const live = [];
  const groups = Math.max(1, Math.round(Math.sqrt(tasks)));
  const newTask = (parent) => {
    const address = addressOf(nextTask);
    const task = { address, index: nextTask, steps: 0, busy: 0 };
    row(Op.TaskNew, address, parent, names[nextTask % 8], stacks[pick(64)]);
    if (nextTask % 3 === 0) row(Op.TaskName, address, 0, string(`${NAMES[nextTask % 8]}-${nextTask}`));
    nextTask++;
    live.push(task);
    return task;
  };
  const waitOf = (task) => {
    const kind = [Wait.Sleep, Wait.Io, Wait.Future, Wait.QueueGet, Wait.Ready, Wait.Event][pick(6)];
    row(Op.TaskWait, task.address, 0, kind, stacks[pick(64)]);
  };

  row(Op.LoopNew, LOOP, 0x7f01, kinds.loop);
  const main = newTask(0);
  const heads = [main];
  for (let i = 1; i < tasks; i++) {
    const task = newTask(heads[i % heads.length].address);
    if (heads.length < groups) heads.push(task);
    waitOf(task);
    if (i % 25 === 0) {
      const scope = 0x9000000 + i * 64;
      row(Op.ScopeEnter, scope, task.address, ScopeKind.AnyioCancelScope, stacks[pick(64)]);
      row(Op.ScopeMeta, scope, 0, t + 60e9, i % 50 === 0 ? ScopeFlag.Shield : 0);
    }
  }
  const lockAddress = (i) => 0xa000000 + i * 64;
  for (let i = 0; i < locks; i++)
    row(Op.LockNew, lockAddress(i), main.address, i % 4 === 3 ? LockKind.Semaphore : LockKind.Lock, stacks[pick(64)]);
  const holds = new Map();
  const sessionAddress = (i) => 0xb000000 + i * 64;
  for (let i = 0; i < sessions; i++) row(Op.SessionOpen, sessionAddress(i), main.address, kinds.session, stacks[pick(64)]);
  const takeDefs = () => {
    const out = { strings: defs.strings.splice(0), frames: defs.frames.splice(0), stacks: defs.stacks.splice(0) };
    return out.strings.length + out.frames.length + out.stacks.length > 0 ? { defs: out } : {};
  };
  const first = batch({
    hello: {
      wire: wire.WIRE_VERSION,
      python: '3.12.1',
      implementation: 'CPython',
      executable: 'python',
      argv: ['server.py'],
      cwd: '/srv/shop',
      parentPid: 1,
      libraries: { anyio: '4.9.0', aiohttp: '3.12.4' },
      detail: 'standard',
      epochMs: 0,
    },
    ...takeDefs(),
  });

  const change = () => {
    const kind = rand();
    const task = live[1 + pick(live.length - 1)] ?? main;
    if (kind < 0.5) waitOf(task);
    else if (kind < 0.8) {
      task.steps += 1 + pick(5);
      task.busy += pick(2_000_000);
      row(Op.TaskSteps, task.address, task.steps, task.busy, 1_800_000);
    } else if (kind < 0.9 && live.length > 10 && task.index > groups) {
      const at = live.indexOf(task);
      row(Op.TaskEnd, task.address, kind < 0.805 ? kinds.error : 0, kind < 0.805 ? Outcome.Failed : Outcome.Ok);
      live[at] = live[live.length - 1];
      live.pop();
      waitOf(newTask(heads[pick(heads.length)].address));
    } else if (kind < 0.97) {
      const lock = lockAddress(pick(locks));
      const holder = holds.get(lock);
      if (holder === undefined) {
        row(Op.LockHold, lock, task.address, 0, stacks[pick(64)]);
        holds.set(lock, task.address);
      } else {
        row(Op.LockFree, lock, holder);
        holds.delete(lock);
      }
    } else row(Op.SessionOp, sessionAddress(pick(sessions)), task.address, rand() < 0.03 ? 2 : 1, 20e6 * rand());
  };

  return {
    first,
    next() {
      t += tickMs * 1e6;
      const count = Math.round((changesPerSecond * tickMs) / 1000);
      for (let i = 0; i < count; i++) change();
      row(Op.LoopStat, LOOP, seq * 180, rand() < 0.03 ? 60e6 : 2e6 * rand(), pick(30));
      return batch(takeDefs());
    },
  };
}
