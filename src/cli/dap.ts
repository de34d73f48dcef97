/** `dap`: the adapter over stdio, for editors other than VS Code and for tests. */
import { createWriteStream } from 'node:fs';
import { AsyncDebugAdapter, type Log } from '../adapter';
import { DapConnection } from '../adapter/dap/connection';
import { NO_LOG } from '../adapter/log';
import type { DapArguments } from './args';
import { bundledDebugpy, probeFolder } from './paths';

/** Serves one session; resolves when the client or debugpy is gone. */
export async function runDap(args: DapArguments): Promise<number> {
  const log = args.logFile ? fileLog(args.logFile) : NO_LOG;
  const { stdin, stdout } = process;
  const connection = new DapConnection(stdin, stdout, () => stdout.end());
  const adapter = new AsyncDebugAdapter({
    upstream: args.upstream,
    discovery: { workspaceFolder: process.cwd(), python: args.python, bundledDebugpy: bundledDebugpy() },
    probeFolder: probeFolder(),
    log,
  });
  adapter.onSend((message) => connection.send(message));
  connection.onMessage = (message) => adapter.handleMessage(message);
  connection.onFault = (fault) => log.warn(`the client sent ${fault.bytes} bytes that were dropped (${fault.kind}): ${fault.sample}`);
  const clientGone = new Promise<void>((resolve) => {
    connection.onClose = () => resolve();
  });
  adapter.start();
  // debugpy's adapter closes its end when it has answered `disconnect`; so does this one.
  await Promise.race([clientGone, adapter.ended]);
  await adapter.dispose();
  await flushed(stdout);
  return 0;
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (!stream.writable) resolve();
    else stream.write('', () => resolve());
  });
}

function fileLog(file: string): Log {
  const stream = createWriteStream(file, { flags: 'a' });
  const write = (level: string, text: string) => stream.write(`${new Date().toISOString()} ${level} ${text}\n`);
  return {
    trace: (text) => write('trace', text),
    info: (text) => write('info', text),
    warn: (text) => write('warn', text),
    error: (text, error) => write('error', error ? `${text}: ${error instanceof Error ? error.stack : error}` : text),
  };
}
