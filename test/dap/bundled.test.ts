/** F5 with nothing installed: the bundled pure-Python debugpy carries the session when the interpreter has none. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolveDebugpy } from '../../src/adapter/config/debugpy';
import { DapTester, inProcess } from './support/DapTester';
import { eventually, marker, PROBE_FOLDER, PYTHON, program, ROOT, temporaryFolder } from './support/environment';

describe('bundled debugpy', () => {
  const bundledDebugpy = join(ROOT, 'dist', 'debugpy');
  const folder = temporaryFolder();
  let bare: string;

  before(function () {
    this.timeout(180_000); // the first time it is fetched
    execFileSync(process.execPath, [join(ROOT, 'scripts/bundle-debugpy.mjs')], { cwd: ROOT, stdio: 'pipe' });
    // An interpreter without site-packages has no debugpy.
    bare = join(folder, 'python');
    writeFileSync(bare, `#!/bin/sh\nexec "${PYTHON}" -S "$@"\n`, { mode: 0o755 });
  });

  it('is the last choice', async () => {
    const python = (path: string) => ({ command: [path], source: 'configuration' as const });
    assert.equal((await resolveDebugpy({}, python(PYTHON), { bundledDebugpy })).source, 'interpreter');
    assert.equal((await resolveDebugpy({}, python(bare), { bundledDebugpy })).source, 'bundled');
    assert.equal((await resolveDebugpy({}, python(PYTHON), { bundledDebugpy, debugpyPath: bundledDebugpy })).source, 'editor');
    assert.equal((await resolveDebugpy({ debugAdapterPath: bundledDebugpy }, python(bare), {})).source, 'configuration');
  });

  it('stops at a breakpoint, with the probe live', async () => {
    const path = program('tasks.py');
    const configuration = { request: 'launch', program: path, console: 'internalConsole', python: bare };
    const endpoint = inProcess({ configuration, discovery: { bundledDebugpy }, probeFolder: PROBE_FOLDER });
    const tester = new DapTester(endpoint);
    try {
      const response = await tester.start('launch', configuration, () =>
        tester.request('setBreakpoints', { source: { path }, breakpoints: [{ line: marker(path, 'main') }] }),
      );
      assert.equal(response.success, true, response.message);
      const { body } = await tester.event('stopped');
      await eventually('a live probe', () => endpoint.adapter.probe.isLive);
      await tester.request('continue', { threadId: body.threadId });
      assert.equal((await tester.event('exited')).body.exitCode, 0);
    } finally {
      await tester.stop();
    }
  });
});
