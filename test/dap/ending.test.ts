/** What happens in a program's last moments reaches the model: pydevd closes the connection before `atexit`, and must not win that race. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskRow } from '../../src/shared/rows';
import { DapTester, inProcess } from './support/DapTester';
import { eventually, PROBE_FOLDER, PYTHON, temporaryFolder } from './support/environment';

const program = (end = '') => `
import asyncio, os, sys

async def late(number):
    await asyncio.sleep(0)

async def main():
    await asyncio.sleep(0.13)
    await asyncio.gather(*(late(number) for number in range(20)))
    ${end}

asyncio.run(main())
`;

/** The race was lost in about one session of six. */
const SESSIONS = 6;

/** No exit function runs in these at all. An exec is no farewell: it might fail. */
const ABRUPT = {
  '': 'by itself',
  'os._exit(3)': 'by os._exit',
  "os.execv(sys.executable, [sys.executable, '-c', 'pass'])": 'by os.execv',
};

describe('the end of a program', () => {
  const path = join(temporaryFolder(), 'late.py');

  for (const [end, how] of Object.entries(ABRUPT)) {
    const sessions = end === '' ? SESSIONS : 2;
    it(`that ends ${how} loses nothing, in ${sessions} sessions`, async function () {
      this.timeout(60_000);
      writeFileSync(path, program(end));
      for (let session = 1; session <= sessions; session++) await check(path, session, !end.includes('exec'));
    });
  }
});

async function check(path: string, session: number, farewell: boolean): Promise<void> {
  const endpoint = inProcess({ discovery: { python: PYTHON }, probeFolder: PROBE_FOLDER });
  const tester = new DapTester(endpoint);
  let byes = 0;
  endpoint.adapter.probe.onBatch((batch) => {
    if (batch.bye) byes++;
  });
  try {
    await tester.start('launch', { program: path, console: 'internalConsole', subProcess: false });
    await tester.event('terminated');
    await eventually('the last batch', () => byes > 0 || endpoint.adapter.probe.status === 'ended', 2_000);
    const { rows } = endpoint.adapter.health.window('tasks', { offset: 0, limit: 100, includeEnded: true });
    const late = (rows as TaskRow[]).filter((row) => row.coroutine === 'late');
    assert.deepEqual(
      late.map((row) => row.state),
      Array(20).fill('done'),
      `session ${session}`,
    );
    if (farewell) assert.equal(byes, 1, `session ${session}: the last batch`);
  } finally {
    await tester.stop();
  }
}
