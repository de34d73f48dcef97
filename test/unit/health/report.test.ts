/** The written forms of a report: complete, in order, and safe whatever the program calls its things. */
import assert from 'node:assert/strict';
import { renderHtml, renderMarkdown, renderSummary } from '../../../src/health';
import { html, markdown, markdownCode, terminal } from '../../../src/health/report/escape';
import type { HealthReport } from '../../../src/shared/report';
import { ExitFlag, LockKind, Op, Outcome, Program, ScopeKind, Wait } from '../support/program';

function story(evil = ''): { program: Program; report: HealthReport } {
  const p = new Program({ hello: { python: '3.11.7', libraries: { anyio: '4.14.1' } } });
  const main = p.task('main');
  const opener = p.task(`opener${evil}`, { by: main, at: 'app.py:30 main' });
  const closer = p.task(`closer${evil}`, { by: main, at: 'app.py:31 main' });
  const scope = p.enter(opener, { kind: ScopeKind.AnyioTaskGroup, at: 'conn.py:10 open' });
  p.exit(scope, closer, { flags: ExitFlag.CrossTask, at: 'conn.py:14 close' });
  p.note({
    kind: 'exception-never-retrieved',
    task: closer,
    exception: `RuntimeError: no${evil}`,
    stack: p.stack('conn.py:14 close'),
    creation: p.stack('app.py:31 main'),
  });
  const session = p.address();
  p.row(Op.SessionOpen, session, main, p.string(`aiohttp.ClientSession${evil}`), p.stack('client.py:4 main'));
  p.row(Op.SessionLost, session);
  const lock = p.lock(LockKind.Lock, { name: `db${evil}` });
  p.acquires(opener, lock, 'db.py:9 query').after(250).holds(opener, lock).skip(50).frees(opener, lock);
  p.end(closer, Outcome.Failed, 'RuntimeError: no', 'conn.py:14 close').end(opener).end(main);
  p.send({ sys: { cpu: 0.25, rss: 104_857_600, threads: 7, fds: 20 } })
    .after(700)
    .bye();
  return { program: p, report: p.model.report({ program: `app.py${evil}` }) };
}

describe('report', () => {
  it('has the public shape', () => {
    const { report } = story();
    assert.deepEqual(Object.keys(report), [
      'version',
      'program',
      'python',
      'duration_ms',
      'dropped',
      'findings',
      'tasks',
      'scopes',
      'locks',
      'sessions',
      'loop',
      'system',
      'statistics',
    ]);
    assert.deepEqual([report.version, report.program, report.python, report.dropped], [1, 'app.py', '3.11.7', 0]);
    assert.ok(report.duration_ms > 900 && report.duration_ms < 1_100);
    assert.deepEqual(
      report.findings.map((finding) => [finding.code, finding.severity, finding.count]),
      [
        ['cross-task-exit', 'error', 1],
        ['exception-never-retrieved', 'error', 1],
        ['unclosed-session', 'warning', 1],
      ],
    );
    const [root, symptom, session] = report.findings;
    assert.deepEqual(Object.keys(root!), [
      'code',
      'severity',
      'message',
      'advice',
      'task',
      'location',
      'related',
      'incident',
      'count',
      'first_seen_ms',
    ]);
    assert.deepEqual(root!.location, { file: '/home/me/project/conn.py', line: 14, function: 'close' });
    assert.deepEqual(root!.related[0], { label: 'entered here by "opener"', file: '/home/me/project/conn.py', line: 10, function: 'open' });
    assert.deepEqual(root!.task, { id: 3, name: 'closer' });
    assert.equal(symptom!.incident, root!.incident);
    assert.notEqual(session!.incident, root!.incident);
    assert.deepEqual([report.tasks.created, report.tasks.done, report.tasks.failed, report.tasks.alive], [3, 2, 1, 0]);
    assert.deepEqual([report.scopes.entered, report.scopes.cross_task_exits], [1, 1]);
    assert.equal(report.locks.longest_wait_ms, 250.001);
    assert.equal(report.sessions.never_closed, 1);
    assert.equal(report.system.peak_rss_bytes, 104_857_600);
    assert.deepEqual(report.statistics.findings, { error: 2, warning: 1 });
    assert.equal(report.statistics.incidents, 2);
    assert.deepEqual(JSON.parse(JSON.stringify(report)).findings, report.findings, 'JSON holds all of it');
  });

  it('names the threads of several loops', () => {
    const p = new Program();
    for (const thread of [11, 22]) p.row(Op.LoopNew, p.address(), thread, p.string('asyncio'));
    p.send({ sys: { cpu: 0, rss: 1, threads: 2, fds: 9, threadNames: { 11: 'web' } } }).after(10);
    const { list } = p.model.report({ program: 'app.py' }).loop as { list: { thread: number; thread_name: string | null }[] };
    assert.deepEqual(
      list.map((loop) => [loop.thread, loop.thread_name]),
      [
        [22, null],
        [11, 'web'],
      ],
    );
  });

  it('lists what lives, waits, is open and was left wrongly', () => {
    const p = new Program({ thresholds: { lockWaitMs: 200 } });
    const main = p.task('main');
    const worker = p.task('wor|ker<b>', { by: main });
    const lock = p.lock(LockKind.Lock, { name: 'db', at: 'db.py:3 connect' });
    p.holds(main, lock, 'db.py:5 main').acquires(worker, lock, 'db.py:9 query');
    p.waits(main, Wait.Sleep, { at: 'app.py:10 main' });
    const session = p.address();
    p.row(Op.SessionOpen, session, main, p.string('httpx.AsyncClient'), p.stack('client.py:4 main'));
    p.row(Op.SessionOp, session, main, 1, 2e6).row(Op.SessionOp, session, main, 2, 4e6).row(Op.SessionOp, session, main, 0);
    p.row(Op.SessionPool, session, 1, 100, 0);
    const scope = p.enter(main, { at: 'conn.py:10 open' });
    p.exit(scope, worker, { flags: ExitFlag.CrossTask, at: 'conn.py:14 close' });
    p.send({ sys: { cpu: 0.5, rss: 1_048_576, threads: 2, fds: 9 } }).after(300);
    const report = p.model.report({ program: 'app.py' });
    const locks = report.locks as { waited_for: Record<string, Record<string, unknown>[]>[]; timed_out_waits: number };
    assert.equal(locks.timed_out_waits, 1);
    const [waiter] = locks.waited_for[0]!.waiters!;
    assert.deepEqual([waiter!.task, waiter!.wants, waiter!.timed_out], ['wor|ker<b>', 'acquire', true]);
    assert.ok((waiter!.wait_ms as number) >= 299);
    const [open] = report.sessions.list as Record<string, unknown>[];
    assert.deepEqual([open!.success_rate, open!.mean_ms, open!.longest_ms], [0.5, 3, 4], 'of those that are over');
    assert.deepEqual(open!.pool, { in_use: 1, size: 100, waiting: 0 });
    const [sample] = report.system.recent as Record<string, number>[];
    assert.deepEqual([sample!.cpu, sample!.threads, sample!.fds], [0.5, 2, 9]);
    const text = renderMarkdown(report);
    for (const part of [
      '## Tasks that live',
      '| wor\\|ker\\<b\\> | waiting |',
      '## Scopes left wrongly',
      '| cross-task-exit | CancelScope | main | conn.py:10 |',
      '## Locks that are waited for',
      '| db | main (300 ms) | 1 | 300 ms | db.py:3 |',
      '## Sessions',
      '| httpx.AsyncClient | open | client.py:4 | 2 | 50 % | 3 ms | 1 of 100, 0 waiting |',
    ])
      assert.ok(text.includes(part), `"${part}" is missing in\n${text}`);
    const page = renderHtml(report);
    assert.ok(page.includes('<td>wor|ker&#60;b&#62;</td>') && page.includes('<th scope="col">waits for</th>'), page);
  });

  it('says of each task all that is known of it', () => {
    const p = new Program();
    const main = p.task('main');
    const worker = p.task('Task-2', { by: main, coroutine: 'work', at: ['app.py:3 start', 'app.py:9 main'] });
    const victim = p.task('victim', { by: worker });
    const failing = p.task('failing', { by: worker });
    p.waits(worker, Wait.Sleep, { at: ['/usr/lib/python3.12/asyncio/tasks.py:665 sleep', 'app.py:20 work'] });
    p.waits(main, Wait.Task, { on: worker, at: 'app.py:10 main' });
    p.row(Op.TaskSteps, worker, 4, 30e6, 20e6).row(Op.TaskSched, worker, 4, 8e6, 5e6);
    const scope = p.enter(victim, { at: 'app.py:50 victim' });
    p.cancelScope(scope, { by: main, at: 'app.py:12 main' }).row(Op.ScopeCancelReason, scope, 0, p.string('enough'));
    p.cancel(victim, { scope, at: '/site-packages/anyio/_backends/_asyncio.py:600 _deliver_cancellation' });
    p.end(victim, Outcome.Cancelled).end(failing, Outcome.Failed, 'ValueError: no', ['app.py:70 deep', 'app.py:71 failing']).after(300);
    const tasks = p.model.report({ program: 'app.py' }).tasks as Record<string, Record<string, unknown>[]>;
    const living = tasks.living!.find((task) => task.name === 'Task-2')!;
    const functions = (stack: unknown) => (stack as { function: string }[]).map((frame) => frame.function);
    assert.deepEqual(
      [living.state, living.coroutine, living.parent, living.creator, living.waits_for, living.await_depth, living.await_stack_cut],
      ['waiting', 'work', 'main', 'main', 'sleep', 2, false],
    );
    assert.deepEqual(functions(living.await_stack), ['sleep', 'work']);
    assert.deepEqual(functions(living.creation_stack), ['start', 'main']);
    assert.deepEqual(living.awaited_by, ['main']);
    assert.ok((living.wait_ms as number) >= 299 && (living.age_ms as number) >= 299);
    assert.deepEqual(
      [living.steps, living.busy_ms, living.longest_step_ms, living.waits, living.ready_to_running_ms, living.longest_ready_to_running_ms],
      [4, 30, 20, 4, 8, 5],
    );
    assert.equal(tasks.living!.find((task) => task.name === 'main')!.steps, null, 'not timed is not none');
    const cancelled = tasks.recent!.find((task) => task.name === 'victim')!;
    assert.equal(cancelled.outcome, 'cancelled');
    const by = cancelled.cancelled_by as Record<string, unknown>;
    assert.deepEqual([by.task, by.scope, by.reason, by.message, by.answered], ['main', 'CancelScope', 'it was cancelled', 'enough', true]);
    assert.deepEqual(functions(by.stack), ['main'], 'the call on the scope, not the library’s on the task');
    const failed = tasks.recent!.find((task) => task.name === 'failing')!;
    assert.deepEqual([failed.outcome, failed.exception, functions(failed.failed_at)], ['failed', 'ValueError: no', ['deep', 'failing']]);
  });

  it('as a summary for the terminal', () => {
    const { report } = story();
    const text = renderSummary(report, { width: 100 });
    for (const line of text.split('\n')) assert.ok(line.length <= 130, line);
    const expected = [
      'Async Health: app.py',
      '2 errors, 1 warning in 2 incidents.',
      'error cross-task-exit',
      '  at /home/me/project/conn.py:14 in close',
      '  entered here by "opener": /home/me/project/conn.py:10 in open',
      '    → exception-never-retrieved: Task "closer"',
      '  Fix: Let one task own the whole',
      'warning unclosed-session',
      '  Tasks:    3 created, 2 done, 1 failed',
      '  System:   CPU 25 % on average, peak memory 100 MB, 7 threads',
    ];
    let from = 0;
    for (const part of expected) {
      const at = text.indexOf(part, from);
      assert.ok(at >= 0, `"${part}" is missing, or out of order, in:\n${text}`);
      from = at;
    }
    assert.ok(!text.includes('\u001b'));
    assert.ok(renderSummary(report, { color: true }).includes('\u001b[31merror cross-task-exit\u001b[0m'));
  });

  it('as Markdown', () => {
    const text = renderMarkdown(story().report);
    for (const part of [
      '# Async Health: app.py',
      '### 1. `cross-task-exit` (error)',
      '- at `/home/me/project/conn.py:14 in close`',
      'What followed from it:',
      '- `exception-never-retrieved`: ',
      '**Fix:** Let one task own the whole `async with`',
      '### 2. `unclosed-session` (warning)',
      '| Python | 3.11.7, anyio 4.14.1 |',
    ]) {
      assert.ok(text.includes(part), `"${part}" in:\n${text}`);
    }
  });

  it('as one page that fetches nothing, runs nothing, and knows light and dark', () => {
    const text = renderHtml(story().report);
    for (const part of [
      '<!doctype html>',
      'prefers-color-scheme: dark',
      "default-src 'none'",
      '<code>cross-task-exit</code>',
      'What followed from it:',
      '<code>async with</code>',
    ]) {
      assert.ok(text.includes(part), `"${part}" in:\n${text}`);
    }
    assert.ok(!/<script|src=|href=|@import|url\(/.test(text));
  });

  it('of a program without findings', () => {
    const p = new Program();
    p.end(p.task('main')).after(200).bye();
    const report = p.model.report({ program: 'ok.py' });
    assert.deepEqual(report.findings, []);
    for (const text of [renderSummary(report), renderMarkdown(report), renderHtml(report)]) assert.ok(text.includes('No findings.'));
  });
});

describe('escaping', () => {
  const EVIL = '<script>alert(1)</script>"\'&`|*_[x](http://e.vil)\u001b[2J\u202e\n# no\r\n- list\u0000';

  it('nothing of a name acts as markup, link, control or new line', () => {
    const { report } = story(EVIL);
    const page = renderHtml(report);
    assert.ok(!page.includes('<script'), 'no element');
    assert.ok(!/["'`]alert/.test(page));
    assert.ok(page.includes('&#60;script&#62;alert(1)'));
    const summary = renderSummary(report);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.test(summary), JSON.stringify(summary));
    assert.ok(!/^# no|^- list/m.test(summary));
    const document = renderMarkdown(report);
    assert.ok(!/^# no|^- list/m.test(document), document);
    // Outside of code spans every character that opens markup is escaped.
    const prose = document.replace(/(`+)(?!`).*?[^`]\1(?!`)/g, '');
    assert.ok(!/(?<!\\)<script|(?<!\\)\[x|(?<!\\)\]\(/.test(prose), prose);
    assert.ok(!document.includes('http://e.vil') || !prose.includes('http://e.vil'), 'no link by itself');
  });

  it('each form by itself', () => {
    assert.equal(html('a<b>"c"'), 'a&#60;b&#62;&#34;c&#34;');
    assert.equal(markdown('1. a*b_c | d\ne'), '1\\. a\\*b\\_c \\| d e');
    assert.equal(markdownCode('a`b``c'), '```a`b``c```');
    assert.equal(markdownCode('`'), '`` ` ``');
    assert.equal(terminal('a\u001b[31mb\nc\td'), 'a\\u001b[31mb c d');
  });
});
