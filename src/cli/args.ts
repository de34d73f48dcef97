/** The command line: parsing only. A wrong line is a {@link UsageError} that says what was expected. */
import type { Upstream } from '../adapter';
import { mergeOptions } from '../adapter/options';
import type { AsyncHealthOptions } from '../shared/settings';
import type { Detail } from '../shared/wire';

export class UsageError extends Error {}

export type FailOn = 'error' | 'warning' | 'never';
export type Format = 'json' | 'markdown' | 'html' | 'text';

export interface RunArguments {
  command: 'run';
  /** A script's path, a module's name (`-m`), or code (`-c`). */
  target: { program: string } | { module: string } | { code: string };
  args: string[];
  json?: string;
  record?: string;
  python?: string;
  timeoutS?: number;
  failOn: FailOn;
  quiet: boolean;
  trace: boolean;
  options: Partial<AsyncHealthOptions>;
}

export interface DapArguments {
  command: 'dap';
  upstream?: Upstream;
  python?: string;
  logFile?: string;
}

export interface ReadArguments {
  command: 'report' | 'replay';
  file: string;
  output?: string;
  format: Format;
  failOn: FailOn;
}

export interface HelpArguments {
  command: 'help' | 'version';
}

export type Arguments = RunArguments | DapArguments | ReadArguments | HelpArguments;

export const USAGE = `Usage:
  async-health run [options] (script.py | -m module | -c code) [args…]
      Runs a program under the adapter, without an editor; prints a summary on stderr at the end.
      --json FILE          write the report (JSON); "-" = standard output
      --record FILE        write the event stream, for "replay" and "report"
      --python PATH        interpreter (default: .venv of this folder, then python3 on PATH)
      --timeout S          end the program after S seconds (exit code 124)
      --fail-on LEVEL      error | warning | never: exit code 3 when there is such a finding (default: never)
      --detail LEVEL       light | standard | full (default: standard)
      --options JSON       Async Health options as in launch.json's "asyncHealth", e.g. '{"thresholds": {"lockWaitMs": 500}}'
      --quiet              no summary
      --trace              log of the adapter on stderr

  async-health dap [options]
      The debug adapter over stdio, for editors.
      --upstream-exec CMD ARG…   use this debugpy adapter (everything after it is the command)
      --upstream HOST:PORT       use the debugpy that listens there
      --python PATH              interpreter for debugpy's adapter
      --log FILE                 log of the adapter

  async-health report FILE [--format markdown|html|json|text] [--output FILE] [--fail-on LEVEL]
      A report from a recording ("run --record") or from a JSON report ("run --json").

  async-health replay FILE [--format text|json|markdown|html] [--output FILE] [--fail-on LEVEL]
      Feeds a recording to the health model again and prints what it finds.

Exit code: the program's own; 3 when --fail-on is met; 124 after --timeout; 2 for a wrong command line or a program that can't be started.
`;

export function parseArguments(argv: string[]): Arguments {
  const [command, ...rest] = argv;
  switch (command) {
    case 'run':
      return parseRun(rest);
    case 'dap':
      return parseDap(rest);
    case 'report':
    case 'replay':
      return parseRead(command, rest);
    case 'help':
    case '--help':
    case '-h':
      return { command: 'help' };
    case '--version':
      return { command: 'version' };
    case undefined:
      throw new UsageError('A command is missing: run, dap, report or replay.');
    default:
      throw new UsageError(`"${command}" is not a command; it must be run, dap, report or replay.`);
  }
}

/** Takes options off the front of a list of words. */
class Words {
  constructor(private readonly words: string[]) {}

  take(): string | undefined {
    return this.words.shift();
  }

  rest(): string[] {
    return this.words.splice(0);
  }

  /** Takes options as long as known ones come: `--name value` or `--name=value`, and flags. */
  options(values: Record<string, (value: string) => void>, flags: Record<string, () => void> = {}): void {
    for (let word = this.words[0]; word !== undefined; word = this.words[0]) {
      const equals = word.startsWith('--') ? word.indexOf('=') : -1;
      const name = equals < 0 ? word : word.slice(0, equals);
      const flag = flags[word];
      const option = values[name];
      if (flag) {
        this.words.shift();
        flag();
      } else if (option) {
        this.words.shift();
        const value = equals < 0 ? this.words.shift() : word.slice(equals + 1);
        if (value === undefined) throw new UsageError(`${name} needs a value.`);
        option(value);
      } else return;
    }
  }
}

function parseRun(words: string[]): Arguments {
  const line = new Words(words);
  const run: Omit<RunArguments, 'target' | 'args'> = { command: 'run', failOn: 'never', quiet: false, trace: false, options: {} };
  line.options(
    {
      '--json': (value) => {
        run.json = value;
      },
      '--record': (value) => {
        run.record = value;
      },
      '--python': (value) => {
        run.python = value;
      },
      '--timeout': (value) => {
        run.timeoutS = seconds(value);
      },
      '--fail-on': (value) => {
        run.failOn = failOn(value);
      },
      '--options': (value) => {
        Object.assign(run.options, optionsBlock(value));
      },
      '--detail': (value) => {
        run.options.detail = oneOf<Detail>('--detail', value, ['light', 'standard', 'full']);
      },
    },
    {
      '--quiet': () => {
        run.quiet = true;
      },
      '--trace': () => {
        run.trace = true;
      },
    },
  );
  const first = line.take();
  if (first === undefined) throw new UsageError('What shall be run? Give a script, or -m and a module.');
  if (first === '-m' || first === '-c') {
    const value = line.take();
    if (value === undefined) throw new UsageError(first === '-m' ? '-m needs a module.' : '-c needs code.');
    return { ...run, target: first === '-m' ? { module: value } : { code: value }, args: line.rest() };
  }
  if (first === '--') {
    const program = line.take();
    if (program === undefined) throw new UsageError('What shall be run? Give a script after --.');
    return { ...run, target: { program }, args: line.rest() };
  }
  if (first === '--help' || first === '-h') return { command: 'help' };
  if (first.startsWith('-')) throw new UsageError(`"${first}" is not an option of run.`);
  return { ...run, target: { program: first }, args: line.rest() };
}

function parseDap(words: string[]): Arguments {
  const line = new Words(words);
  const dap: DapArguments = { command: 'dap' };
  line.options(
    {
      '--upstream': (value) => {
        dap.upstream = hostAndPort(value);
      },
      '--python': (value) => {
        dap.python = value;
      },
      '--log': (value) => {
        dap.logFile = value;
      },
    },
    {
      '--upstream-exec': () => {
        const exec = line.rest();
        if (exec.length === 0) throw new UsageError('--upstream-exec needs a command.');
        dap.upstream = { exec };
      },
    },
  );
  const more = line.take();
  if (more === '--help' || more === '-h') return { command: 'help' };
  if (more !== undefined) throw new UsageError(`"${more}" is not an option of dap.`);
  return dap;
}

function parseRead(command: 'report' | 'replay', words: string[]): Arguments {
  const line = new Words(words);
  const read: ReadArguments = { command, file: '', format: command === 'report' ? 'markdown' : 'text', failOn: 'never' };
  const options = {
    '--format': (value: string) => {
      read.format = oneOf<Format>('--format', value, ['markdown', 'html', 'json', 'text']);
    },
    '--output': (value: string) => {
      read.output = value;
    },
    '--json': (value: string) => {
      read.format = 'json';
      read.output = value;
    },
    '--fail-on': (value: string) => {
      read.failOn = failOn(value);
    },
  };
  line.options(options);
  const file = line.take();
  if (file === '--help' || file === '-h') return { command: 'help' };
  if (file === undefined) throw new UsageError(`${command} needs a file.`);
  if (file.startsWith('-')) throw new UsageError(`"${file}" is not an option of ${command}.`);
  line.options(options);
  const more = line.take();
  if (more !== undefined) throw new UsageError(`${command} takes one file and options, not also "${more}".`);
  return { ...read, file };
}

/** Checked against what there is, because a mistyped threshold would go unnoticed. */
function optionsBlock(value: string): Partial<AsyncHealthOptions> {
  let block: unknown;
  try {
    block = JSON.parse(value);
  } catch (error) {
    throw new UsageError(`--options must be a JSON object: ${(error as Error).message}`);
  }
  const { options, problems } = mergeOptions(block);
  if (problems.length > 0) throw new UsageError(`--options: ${problems.join('; ')}`);
  return options;
}

function failOn(value: string): FailOn {
  return oneOf<FailOn>('--fail-on', value, ['error', 'warning', 'never']);
}

function oneOf<T extends string>(option: string, value: string, allowed: T[]): T {
  if ((allowed as string[]).includes(value)) return value as T;
  throw new UsageError(`${option} must be ${allowed.join(', ')}, not "${value}".`);
}

function seconds(value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) throw new UsageError(`--timeout must be a number of seconds above 0, not "${value}".`);
  return number;
}

/** `HOST:PORT`, `[::1]:PORT` or `PORT`. */
function hostAndPort(value: string): { host: string; port: number } {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]*)):)?(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535) throw new UsageError(`--upstream must be HOST:PORT, not "${value}".`);
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port };
}
