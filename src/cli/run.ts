/** `run`: a program under the adapter, without an editor. */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { AdapterOptions, Log } from '../adapter';
import { NO_LOG } from '../adapter/log';
import { renderSummary } from '../health';
import type { RunArguments } from './args';
import { EXIT_FINDINGS, EXIT_TIMEOUT, EXIT_USAGE, isMet } from './failOn';
import { HeadlessSession } from './HeadlessSession';
import { mergeReports, type ProcessReport } from './merge';
import { write } from './output';
import { bundledDebugpy, probeFolder } from './paths';
import { RecordingFile } from './recording';

/** How long the probe may take for a last restatement before the program is ended by `--timeout`, ms. */
const LAST_SYNC_MS = 1_000;

/** @returns the exit code */
export async function runProgram(args: RunArguments): Promise<number> {
  const cwd = process.cwd();
  const began = performance.now();
  const recording = args.record === undefined ? undefined : new RecordingFile(args.record);
  const sessions: HeadlessSession[] = [];
  const say = (text: string) => process.stderr.write(`async-health: ${text}\n`);
  const configuration: Record<string, unknown> = {
    request: 'launch',
    name: nameOf(args),
    ...targetOf(args, cwd),
    args: args.args,
    cwd,
    // The program gets our own standard streams (HeadlessSession answers `runInTerminal`).
    console: 'integratedTerminal',
    redirectOutput: false,
    justMyCode: false,
    env: {},
    envFile: '',
    ...(args.python === undefined ? {} : { python: args.python }),
  };
  const adapter: AdapterOptions = {
    discovery: { workspaceFolder: cwd, bundledDebugpy: bundledDebugpy(), detached: true },
    defaults: args.options,
    probeFolder: probeFolder(),
    log: args.trace ? traceLog() : NO_LOG,
  };
  const root = new HeadlessSession({
    adapter,
    request: 'launch',
    configuration,
    onMessage: say,
    onSession: (session) => {
      sessions.push(session);
      if (recording) session.adapter.probe.onBatch((_batch, raw) => recording.add(raw));
    },
  });
  const interruptions = handleSignals(root);
  let timedOut = false;
  let timer: NodeJS.Timeout | undefined;
  try {
    await root.start();
    if (args.timeoutS !== undefined) {
      timer = setTimeout(() => {
        timedOut = true;
        say(`${args.timeoutS} s are over; the program is ended`);
        void endNow(root);
      }, args.timeoutS * 1000);
    }
    await root.ended;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return EXIT_USAGE;
  } finally {
    clearTimeout(timer);
    interruptions();
    await root.dispose();
  }
  const skipped = (await recording?.close()) ?? 0;
  if (skipped > 0) say(`${skipped} batches did not fit into the recording`);
  const report = mergeReports(
    reportOf(root, args),
    sessions.slice(1).map((session) => reportOf(session, args)),
  );
  report.duration_ms ||= Math.round(performance.now() - began);
  if (args.json !== undefined) await write(args.json, `${JSON.stringify(report, null, 2)}\n`);
  const { probeMessage, exitCode } = root.adapter.session;
  if (!args.quiet) {
    if (root.adapter.probe.counters.batches === 0) say(`no data from the probe. ${probeMessage ?? ''}`.trim());
    process.stderr.write(
      `\n${renderSummary(report, { color: process.stderr.isTTY === true && !process.env.NO_COLOR, width: process.stderr.columns })}`,
    );
  }
  if (isMet(args.failOn, report)) return EXIT_FINDINGS;
  return timedOut ? EXIT_TIMEOUT : (exitCode ?? 1);
}

function nameOf({ target }: RunArguments): string {
  return 'program' in target ? target.program : 'module' in target ? target.module : '-c';
}

function targetOf({ target }: RunArguments, cwd: string): Record<string, unknown> {
  if (!('program' in target)) return target;
  const path = isAbsolute(target.program) ? target.program : join(cwd, target.program);
  // As `python` does it, a relative name stays what the program sees in sys.argv[0]; debugpy needs the file.
  return { program: existsSync(path) ? path : target.program };
}

function reportOf(session: HeadlessSession, args: RunArguments): ProcessReport {
  const { adapter } = session;
  const report = adapter.health.report({ program: session.isChild ? adapter.session.name : nameOf(args) });
  return { pid: adapter.session.pid, probe: adapter.probe.message ?? adapter.probe.status, report };
}

/** Ends a program that takes too long, after asking its probe for the newest state. */
async function endNow(root: HeadlessSession): Promise<void> {
  const { probe } = root.adapter;
  if (probe.isLive) {
    await probe.request('sync', {}, LAST_SYNC_MS).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 2 * root.adapter.options.tickMs));
  }
  await root.stop();
}

/**
 * Ctrl-C in a terminal reaches the program by itself (it is in the foreground); it may handle it. Without a terminal the signal is passed
 * on. A second one ends everything. Returns the undoing.
 */
function handleSignals(root: HeadlessSession): () => void {
  let count = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    count += 1;
    const { pid } = root.adapter.session;
    if (count > 1 || pid === undefined) {
      void root.stop();
      return;
    }
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    try {
      process.kill(pid, signal);
    } catch {
      void root.stop();
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}

function traceLog(): Log {
  const began = performance.now();
  const line = (level: string, text: string) => process.stderr.write(`[${(performance.now() - began).toFixed(0)} ms ${level}] ${text}\n`);
  return {
    trace: (text) => line('trace', text),
    info: (text) => line('info', text),
    warn: (text) => line('warn', text),
    error: (text, error) => line('error', error ? `${text}: ${error instanceof Error ? error.stack : error}` : text),
  };
}
