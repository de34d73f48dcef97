/** The command line as its users have it: a process, its streams, its exit code, its files. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HealthReport } from '../../src/shared/report';
import { CLI, eventually, isAlive, PYTHON, program, temporaryFolder } from './support/environment';

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
  ms: number;
}

interface Running {
  outcome: Promise<Outcome>;
  stdout(): string;
  kill(signal: NodeJS.Signals): void;
}

function start(args: string[], input = '', cwd = process.cwd()): Running {
  const began = performance.now();
  const child = spawn(process.execPath, [CLI, ...args], { cwd, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.end(input);
  const outcome = new Promise<Outcome>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr, ms: performance.now() - began }));
  });
  return { outcome, stdout: () => stdout, kill: (signal) => child.kill(signal) };
}

const cli = (args: string[], input?: string, cwd?: string) => start(args, input, cwd).outcome;
const run = (args: string[], input?: string) => cli(['run', '--python', PYTHON, ...args], input);

describe('command line', () => {
  const folder = temporaryFolder();
  const file = (name: string) => join(folder, name);

  function script(name: string, text: string): string {
    writeFileSync(file(name), text);
    return file(name);
  }

  describe('run', () => {
    it("the program's own streams, arguments and exit code", async () => {
      const path = script(
        'io.py',
        'import sys\nprint(sys.argv[1:], sys.stdin.read(), end="")\nsys.stdout.flush()\nsys.stdout.buffer.write(b"\\xff\\x00")\nsys.stderr.write("err\\n")\nsys.exit(7)\n',
      );
      const { code, stdout, stderr } = await run(['--quiet', path, '--json', 'x', '-m'], 'input');
      assert.equal(code, 7);
      assert.match(stdout, /^\['--json', 'x', '-m'\] input/);
      assert.equal(stderr, 'err\n', 'nothing of ours with --quiet');
    });

    it('a module, and code', async () => {
      assert.match((await run(['-m', 'platform'])).stdout, /Linux|macOS|Windows/);
      const { code, stdout } = await run(['-c', 'import sys; print("x" + sys.argv[1]); sys.exit(4)', 'y']);
      assert.deepEqual([code, stdout.trim()], [4, 'xy']);
    });

    it('writes the report, prints a summary, and --fail-on decides over the exit code', async () => {
      const path = script(
        'blocks.py',
        'import asyncio, time\nasync def slow():\n    await asyncio.sleep(0.05)\n    time.sleep(0.5)\nasync def main():\n    await asyncio.gather(slow(), asyncio.sleep(0.3))\nasyncio.run(main())\n',
      );
      const { code, stderr } = await run(['--json', file('r.json'), '--record', file('r.jsonl'), '--fail-on', 'warning', path]);
      assert.equal(code, 3);
      const report: HealthReport = JSON.parse(readFileSync(file('r.json'), 'utf8'));
      const finding = report.findings.find((one) => one.code === 'blocked-loop');
      assert.ok(finding, JSON.stringify(report.findings));
      assert.equal(finding.location?.file, path);
      assert.equal(finding.location?.line, 4);
      assert.equal(report.version, 1);
      assert.match(report.python, /^3\./);
      for (const key of ['tasks', 'scopes', 'locks', 'sessions', 'loop', 'system', 'statistics'] as const)
        assert.equal(typeof report[key], 'object', key);
      assert.match(stderr, /blocked-loop/);
      assert.equal((await run(['--quiet', '--fail-on', 'error', path])).code, 0, 'a warning is no error');

      const replayed = await cli(['replay', file('r.jsonl'), '--json', file('again.json'), '--fail-on', 'warning']);
      assert.equal(replayed.code, 3);
      const again: HealthReport = JSON.parse(readFileSync(file('again.json'), 'utf8'));
      assert.deepEqual(
        again.findings.map(({ code, message, count }) => ({ code, message, count })),
        report.findings.map(({ code, message, count }) => ({ code, message, count })),
        'a replay finds what the run found',
      );
      assert.match((await cli(['report', file('r.json')])).stdout, /^# Async Health[\s\S]*blocked-loop/);
      assert.match((await cli(['report', file('r.jsonl'), '--format', 'html'])).stdout, /^<!doctype html>[\s\S]*blocked-loop/i);
      assert.match((await cli(['replay', file('r.jsonl')])).stdout, /blocked-loop/);
    });

    it('--timeout ends the program, and the report is there', async () => {
      const { code, stdout, stderr, ms } = await run(['--timeout', '2', '--json', file('t.json'), program('forever.py')]);
      assert.equal(code, 124);
      assert.match(stderr, /2 s are over/);
      assert.ok(ms < 15_000, `${ms} ms`);
      const pid = Number(/ready (\d+)/.exec(stdout)![1]);
      await eventually('the program has ended', () => !isAlive(pid));
      const report: HealthReport = JSON.parse(readFileSync(file('t.json'), 'utf8'));
      assert.ok(JSON.stringify(report.tasks).length > 2);
    });

    it('an interrupt reaches the program; the report is written all the same', async () => {
      const running = start(['run', '--python', PYTHON, '--json', file('i.json'), program('forever.py')]);
      await eventually('ready', () => /ready \d+\s/.test(running.stdout()));
      running.kill('SIGINT');
      const { code, stderr } = await running.outcome;
      assert.notEqual(code, 0);
      assert.match(stderr, /KeyboardInterrupt/);
      assert.ok(existsSync(file('i.json')));
    });

    it('child processes are followed, and their findings are in the report', async () => {
      const { code, stdout } = await run(['--json', file('c.json'), program('spawner.py'), 'spawn']);
      assert.equal(code, 0);
      assert.match(stdout, /child spawn \d+\s+parent spawn 0/);
      const report: HealthReport = JSON.parse(readFileSync(file('c.json'), 'utf8'));
      // multiprocessing has a helper process of its own beside the child.
      const processes = report.statistics.processes as { pid: number; tasks: unknown }[];
      const child = Number(/child spawn (\d+)/.exec(stdout)![1]);
      assert.ok(
        processes.some(({ pid, tasks }) => pid === child && JSON.stringify(tasks).length > 2),
        JSON.stringify(processes),
      );
    });

    it('`breakpoint()` in the program does not hang it', async () => {
      const { code, stdout, stderr } = await run(['--quiet', script('stop.py', 'breakpoint()\nprint("on")\n')]);
      assert.deepEqual([code, stdout], [0, 'on\n']);
      assert.match(stderr, /goes on, as there is no editor/);
    });

    it('an uncaught exception and a kill have their exit codes', async () => {
      const failed = await run(['--quiet', script('fails.py', 'raise SystemError("no")\n')]);
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, /SystemError: no/);
      const killed = await run(['--quiet', script('killed.py', 'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n')]);
      assert.notEqual(killed.code, 0);
    });
  });

  describe('wrong use', () => {
    const cases: [string[], RegExp][] = [
      [[], /A command is missing/],
      [['walk'], /"walk" is not a command/],
      [['run'], /What shall be run/],
      [['run', '--what'], /"--what" is not an option of run/],
      [['run', '--timeout', 'soon', 'x.py'], /--timeout must be a number of seconds/],
      [['run', '--fail-on', 'all', 'x.py'], /--fail-on must be error, warning, never/],
      [['run', '-m'], /-m needs a module/],
      [['run', '--python', PYTHON, '/no/such.py'], /program "\/no\/such.py" does not exist/],
      [['run', '--python', '/no/python', '/no/such.py'], /does not exist|is not there/],
      [['dap', '--upstream', 'nowhere'], /--upstream must be HOST:PORT/],
      [['dap', '--upstream-exec'], /--upstream-exec needs a command/],
      [['replay'], /replay needs a file/],
      [['replay', '/no/such.jsonl'], /can't be read/],
      [['report', process.execPath], /neither a report|no probe batch|can't be read/],
    ];
    for (const [args, text] of cases) {
      it(`${args.join(' ') || 'nothing'}: exit code 2 and what to do`, async () => {
        const { code, stderr } = await cli(args);
        assert.equal(code, 2, stderr);
        assert.match(stderr, text);
      });
    }

    it('a report that can not be written', async () => {
      const { code, stderr } = await run(['--quiet', '--json', '/no/such/folder/r.json', '-c', 'pass']);
      assert.equal(code, 2);
      assert.match(stderr, /can't be written.*Choose another place/);
    });
  });
});
