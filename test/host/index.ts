/**
 * The in-host suite's entry: `run()` is called inside VS Code's extension host, by scripts/test-host.mjs (VS Code server + browser) and by
 * scripts/test-electron.mjs (desktop). Results go to ASYNC_HEALTH_RESULTS as well, one JSON line per test.
 */
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

/** Marks our lines among the workbench's own; the runners print what follows. */
const say = (text: string) => {
  for (const line of text.split('\n')) console.log(`HOST|${line}`);
};

/** Plain strings only: the workbench's console does not fill in `%s`. */
function report(runner: Mocha.Runner): void {
  const { EVENT_SUITE_BEGIN, EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING } = Mocha.Runner.constants;
  const file = process.env.ASYNC_HEALTH_RESULTS;
  const note = (outcome: string, test: Mocha.Test, error?: Error) => {
    const message = error ? String(error.stack ?? error) : undefined;
    if (file) appendFileSync(file, `${JSON.stringify({ outcome, test: `host ${test.fullTitle()}`, ms: test.duration ?? 0, message })}\n`);
  };
  runner.on(EVENT_SUITE_BEGIN, (suite) => {
    if (!suite.root) say(`  ${suite.title}`);
  });
  runner.on(EVENT_TEST_PASS, (test) => {
    say(`    ✓ ${test.title} (${test.duration} ms)`);
    note('passed', test);
  });
  runner.on(EVENT_TEST_PENDING, (test) => {
    say(`    - ${test.title}`);
    note('skipped', test);
  });
  runner.on(EVENT_TEST_FAIL, (test, error) => {
    say(`    ✗ ${test.title}\n${String(error.stack ?? error).replace(/^/gm, '        ')}`);
    note('failed', test, error);
  });
}

export async function run(): Promise<void> {
  const reporter = class {
    constructor(runner: Mocha.Runner) {
      report(runner);
    }
  };
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, grep: process.env.AH_GREP || undefined, reporter: reporter as never });
  for (const file of readdirSync(__dirname).sort()) {
    if (file.endsWith('.test.js')) mocha.addFile(join(__dirname, file));
  }
  await new Promise<void>((resolve, reject) => {
    const runner = mocha.run((failures) => {
      const { passes, failures: failed } = runner.stats!;
      say(`${passes} passing, ${failed} failing`);
      if (failures > 0 || passes === 0) reject(new Error(`${failures} failed, ${passes} passed`));
      else resolve();
    });
  });
}
