/** What happens in a program's last moments reaches the model: pydevd closes the connection before `atexit`, and must not win that race. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskRow } from '../../src/shared/rows';
import { DapTester, inProcess } from './support/DapTester';
import { eventually, PROBE_FOLDER, PYTHON, temporaryFolder } from './support/environment';

const PROGRAM = `
import asyncio

async def late(number):
    await asyncio.sleep(0)

async def main():
    await asyncio.sleep(0.13)
    await asyncio.gather(*(late(number) for number in range(20)))

asyncio.run(main())
`;

/** The race was lost in about one session of six. */
const SESSIONS = 6;

describe('the end of a program', () => {
  const path = join(temporaryFolder(), 'late.py');
  before(() => writeFileSync(path, PROGRAM));

  it(`loses nothing, in ${SESSIONS} sessions`, async function () {
    this.timeout(60_000);
    for (let session = 1; session <= SESSIONS; session++) {
      const endpoint = inProcess({ discovery: { python: PYTHON }, probeFolder: PROBE_FOLDER });
      const tester = new DapTester(endpoint);
      let byes = 0;
      endpoint.adapter.probe.onBatch((batch) => {
        if (batch.bye) byes++;
      });
      try {
        await tester.start('launch', { program: path, console: 'internalConsole' });
        await tester.event('terminated');
        await eventually('the last batch', () => byes > 0 || endpoint.adapter.probe.status === 'ended', 2_000);
        const { rows } = endpoint.adapter.health.window('tasks', { offset: 0, limit: 100, includeEnded: true });
        const late = (rows as TaskRow[]).filter((row) => row.coroutine === 'late');
        assert.deepEqual(
          late.map((row) => row.state),
          Array(20).fill('done'),
          `session ${session}`,
        );
        assert.equal(byes, 1, `session ${session}: the last batch`);
      } finally {
        await tester.stop();
      }
    }
  });
});
