/** The far end: a debugpy adapter that we start (stdio), or one that listens already (attach by `connect`, child sessions). */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { DapConnection } from './dap/connection';
import { UserError } from './errors';
import { type Log, NO_LOG } from './log';

/** How long a debugpy adapter may take to end after its connection is closed, ms, before it is killed. */
const EXIT_GRACE_MS = 3_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Kept of the adapter's stderr, characters, for error messages. */
const STDERR_TAIL = 4_000;

export interface StartOptions {
  /** Interpreter that runs the debugpy adapter, with its own arguments. */
  python: string[];
  /** Folder of the debugpy package (or of its `adapter`); without it the interpreter's own debugpy is used. */
  debugpyPath?: string;
  /** Extra arguments for the adapter, e.g. `--log-dir DIR`. */
  args?: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Called once when the process has ended or could not be started. */
  onExit?: () => void;
  /** In a session of its own. */
  detached?: boolean;
  log?: Log;
}

export interface ConnectOptions {
  host: string;
  port: number;
  timeoutMs?: number;
  log?: Log;
}

export class DebugpyServer {
  private stderrTail = '';
  private exit: { code: number | null; signal: NodeJS.Signals | null } | undefined;
  private readonly exited: Promise<void>;
  private spawnError: Error | undefined;

  private constructor(
    readonly connection: DapConnection,
    private readonly child: ChildProcessWithoutNullStreams | undefined,
    /** For messages: the command line or address. */
    readonly description: string,
    private readonly log: Log,
  ) {
    if (!child) {
      this.exited = Promise.resolve();
      return;
    }
    child.stderr.on('data', (chunk: Buffer) => {
      this.stderrTail = (this.stderrTail + chunk.toString('utf8')).slice(-STDERR_TAIL);
      this.log.trace(`stderr: ${chunk.toString('utf8').trimEnd()}`);
    });
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.spawnError = error;
        resolve();
      });
      child.once('exit', (code, signal) => {
        this.exit = { code, signal };
        this.log.info(`debugpy adapter ended (${signal ?? code})`);
        resolve();
      });
    });
  }

  /** Starts the debugpy adapter over stdio. Failures show when the connection closes: see {@link failure}. */
  static start(options: StartOptions): DebugpyServer {
    const log = options.log ?? NO_LOG;
    const [program, ...own] = options.python;
    if (!program) throw noPython('No Python interpreter was given.');
    const target = options.debugpyPath ? [adapterFolder(options.debugpyPath)] : ['-m', 'debugpy.adapter'];
    const server = DebugpyServer.exec(program, [...own, ...target, ...(options.args ?? [])], options, log);
    void server.exited.then(options.onExit);
    return server;
  }

  /** Starts any command that speaks DAP on stdio (`--upstream-exec`). */
  static exec(
    command: string,
    args: string[],
    options: { env?: NodeJS.ProcessEnv; cwd?: string; detached?: boolean } = {},
    log: Log = NO_LOG,
  ): DebugpyServer {
    const description = [command, ...args].join(' ');
    log.info(`starting ${description}`);
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: 'pipe',
      windowsHide: true,
      detached: options.detached ?? false,
    });
    child.stdin.on('error', () => {}); // a dead process is told by its exit
    const connection = new DapConnection(child.stdout, child.stdin, () => child.stdin.end());
    return new DebugpyServer(connection, child, description, log);
  }

  /** Connects to an adapter that listens on a port. @throws UserError when nothing does. */
  static connect(options: ConnectOptions): Promise<DebugpyServer> {
    const { host, port, timeoutMs = CONNECT_TIMEOUT_MS, log = NO_LOG } = options;
    const where = `${host}:${port}`;
    return new Promise((resolve, reject) => {
      const socket = connectSocket({ host, port });
      const fail = (why: string, cause?: unknown) => {
        clearTimeout(timer);
        socket.destroy();
        reject(
          new UserError(
            'connect-failed',
            `Can't connect to debugpy at ${where}: ${why}.`,
            `Start the program with "python -m debugpy --listen ${where} …" (or call debugpy.listen) first, and check host and port.`,
            { cause },
          ),
        );
      };
      const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
      const refused = (error: Error & { code?: string }) =>
        fail(error.code === 'ECONNREFUSED' ? 'nothing listens there' : error.message, error);
      socket.once('error', refused);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.off('error', refused);
        // Requests are small and each waits for its answer.
        socket.setNoDelay(true);
        log.info(`connected to ${where}`);
        const connection = new DapConnection(socket, socket, () => socket.end());
        resolve(new DebugpyServer(connection, undefined, where, log));
      });
    });
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /**
   * Why the connection ended, for the user, with the next step; to be asked after it did. Waits shortly for the process's exit,
   * which the streams' end may precede.
   */
  async failure(): Promise<UserError> {
    await Promise.race([this.exited, new Promise((resolve) => setTimeout(resolve, 500))]);
    if (this.spawnError) {
      const code = (this.spawnError as { code?: string }).code;
      const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'it is not executable' : this.spawnError.message;
      return noPython(`Python can't be started as "${this.description}": ${why}.`, this.spawnError);
    }
    if (/No module named '?debugpy/.test(this.stderrTail) || /can't (open file|find '__main__')/.test(this.stderrTail)) {
      return new UserError(
        'no-debugpy',
        `debugpy can't be imported by "${this.description}".`,
        'Install it there with "pip install debugpy", or set "debugAdapterPath" to a folder that has it.',
      );
    }
    const how = this.exit
      ? this.exit.signal
        ? `was ended by ${this.exit.signal}`
        : `ended with code ${this.exit.code}`
      : 'closed the connection';
    const tail = this.stderrTail.trim().split('\n').slice(-3).join('\n');
    return new UserError(
      'adapter-exited',
      `The debugpy adapter (${this.description}) ${how}${tail ? `: ${tail}` : '.'}`,
      'Start the session again; if it happens again, set "logToFile": true and look at debugpy\'s log.',
    );
  }

  /** Ends the connection and, in time, the process. Closing stdin lets debugpy end what it launched and leave what it attached to. */
  async dispose(): Promise<void> {
    this.connection.close();
    const child = this.child;
    if (!child || this.exit || this.spawnError) return;
    const kill = setTimeout(() => {
      this.log.warn('the debugpy adapter did not end by itself; it is terminated');
      child.kill('SIGTERM');
    }, EXIT_GRACE_MS);
    const killHard = setTimeout(() => child.kill('SIGKILL'), 2 * EXIT_GRACE_MS);
    await this.exited;
    clearTimeout(kill);
    clearTimeout(killHard);
  }
}

function noPython(what: string, cause?: unknown): UserError {
  return new UserError(
    'no-python',
    what,
    'Install Python 3.8 or newer, or choose an interpreter: "python" in launch.json, or "Python: Select Interpreter".',
    { cause },
  );
}

/** Takes the package's folder, its parent, or the adapter folder itself; all are in use in `debugAdapterPath`s. */
function adapterFolder(path: string): string {
  for (const candidate of [path, join(path, 'adapter'), join(path, 'debugpy', 'adapter')]) {
    if (existsSync(join(candidate, '__main__.py')) && candidate.endsWith('adapter')) return candidate;
  }
  return path;
}
