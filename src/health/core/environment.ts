import type { Detail, ProbeHello } from '../../shared/wire';
import { learnExecutable, newPathRules, type PathRules } from './places';

/** What runs: Python and the libraries that advice depends on. */
export class Environment {
  python = '';
  implementation = '';
  executable = '';
  argv: string[] = [];
  cwd = '';
  detail: Detail | undefined = undefined;
  epochMs = 0;
  readonly libraries: Record<string, string> = {};
  readonly rules: PathRules = newPathRules();

  hello(hello: ProbeHello): void {
    this.python = hello.python;
    this.implementation = hello.implementation;
    this.executable = hello.executable;
    this.argv = hello.argv;
    this.cwd = hello.cwd;
    this.detail = hello.detail;
    this.epochMs = hello.epochMs;
    Object.assign(this.libraries, hello.libraries);
    learnExecutable(this.rules, hello.executable);
  }

  library(name: string, version: string): void {
    if (Object.keys(this.libraries).length < 500) this.libraries[name] = version;
  }

  /** File name of the program, or of the package that is run; undefined for `-c` and the like. */
  get program(): string | undefined {
    const parts = (this.argv[0] ?? '').split(/[\\/]/).filter((part) => part !== '');
    const name = parts.at(-1) === '__main__.py' ? parts.at(-2) : parts.at(-1);
    return name === undefined || name.startsWith('-') ? undefined : name;
  }

  /** Python is known to be at least this. Unknown counts as not. */
  pythonAtLeast(major: number, minor: number): boolean {
    return this.python !== '' && atLeast(this.python, [major, minor]);
  }

  has(library: string): boolean {
    return this.libraries[library] !== undefined;
  }

  /** The library is there and older than `version` ('4.14.2'). */
  olderThan(library: string, version: string): boolean {
    const running = this.libraries[library];
    return running !== undefined && !atLeast(running, numbers(version));
  }
}

/** Compares the leading numbers; a pre-release counts as its release. */
export function atLeast(version: string, wanted: number[]): boolean {
  const have = numbers(version);
  for (let at = 0; at < wanted.length; at++) {
    const difference = (have[at] ?? 0) - wanted[at]!;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numbers(version: string): number[] {
  const match = /^\d+(?:\.\d+)*/.exec(version);
  return match === null ? [] : match[0].split('.').map(Number);
}
