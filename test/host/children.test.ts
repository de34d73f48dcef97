/** Child processes of every kind: each is a child session with its own probe, and the panel can show each. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { extension, fileIn, folder, freePort, live, reset, type Seen, seenSince, sessionCount, start, taskRows, until } from './support';

const GUNICORN_WORKER = 'uvicorn.workers.UvicornWorker';

describe('child processes', () => {
  afterEach(reset);

  /** Sessions begun since `count` whose process has a task of that coroutine. */
  async function withTask(count: number, coroutine: RegExp, processes = 1): Promise<Seen[]> {
    const { registry } = await extension();
    return until(`${processes} processes with ${coroutine}`, () => {
      const found = seenSince(count).filter(({ session }) => {
        const process = registry.get(session.id);
        return process && !process.ended && taskRows(process).some((row) => coroutine.test(row.coroutine));
      });
      return found.length >= processes ? found : undefined;
    });
  }

  async function switcherShows(entries: Seen[]): Promise<void> {
    const { registry } = await extension();
    const pids = new Set(await Promise.all(entries.map(async (entry) => (await live(entry)).info().pid)));
    assert.equal(pids.size, entries.length, 'each has a process of its own');
    for (const { session } of entries) {
      registry.select(session.id);
      assert.equal(registry.selected?.id, session.id);
    }
  }

  for (const how of ['spawn', 'fork', 'forkserver']) {
    it(`multiprocessing, ${how}`, async () => {
      const count = sessionCount();
      const parent = await start({ program: fileIn('spawning.py'), args: [how] });
      const [child] = await withTask(count, /child_work/);
      assert.notEqual(child!.session.id, parent.session.id);
      assert.ok(child!.session.parentSession, 'a child session');
      // debugpy calls it "Subprocess <pid>". A spawned one has `-c` for its program when the probe begins.
      const { label } = (await live(child!)).info();
      if (how === 'fork') assert.equal(label, 'spawning.py');
      else assert.match(label, /^(spawning\.py|Subprocess \d+)$/);
      await switcherShows([parent, child!]);
    });
  }

  it('uvicorn --reload: the server is a child, and after a change of a file a new one', async () => {
    const count = sessionCount();
    const args = ['webapp:app', '--reload', '--port', String(await freePort()), '--log-level', 'warning'];
    const parent = await start({ module: 'uvicorn', args, cwd: folder().uri.fsPath });
    const [first] = await withTask(count, /background/);
    await switcherShows([parent, first!]);
    const file = vscode.Uri.file(fileIn('webapp.py'));
    const text = await vscode.workspace.fs.readFile(file);
    await vscode.workspace.fs.writeFile(file, Buffer.concat([text, Buffer.from('\n# changed\n')]));
    await until('the end of the first server', () => first!.ended);
    const [second] = await withTask(count, /background/);
    assert.notEqual(second!.session.id, first!.session.id);
    await switcherShows([parent, second!]);
  });

  it('gunicorn: each worker', async () => {
    const count = sessionCount();
    const args = ['webapp:app', '-k', GUNICORN_WORKER, '-w', '2', '-b', `127.0.0.1:${await freePort()}`, '--log-level', 'warning'];
    const parent = await start({ module: 'gunicorn', args, cwd: folder().uri.fsPath });
    const workers = await withTask(count, /background/, 2);
    await switcherShows([parent, ...workers]);
  });
});
