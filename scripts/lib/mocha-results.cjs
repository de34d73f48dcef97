// mocha reporter: prints like `spec`, and appends every result to $ASYNC_HEALTH_RESULTS as a JSON line at once, so that a run that is
// ended by its time limit still tells what it did. scripts/test.mjs reads the file.
const { appendFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const Mocha = createRequire(require('node:path').join(process.cwd(), 'package.json'))('mocha');

const file = process.env.ASYNC_HEALTH_RESULTS;

class Results extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    if (!file) return;
    const write = (outcome, test, error) =>
      appendFileSync(
        file,
        `${JSON.stringify({ outcome, test: test.fullTitle(), ms: test.duration ?? 0, message: error ? String(error.stack ?? error) : undefined })}\n`,
      );
    runner.on(Mocha.Runner.constants.EVENT_TEST_PASS, (test) => write('passed', test));
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error) => write('failed', test, error));
    runner.on(Mocha.Runner.constants.EVENT_TEST_PENDING, (test) => write('skipped', test));
  }
}

module.exports = Results;
