/** A program of test/samples/catalog: its header and its markers. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FindingCode } from '../../../src/shared/findings';

export const CATALOG = path.resolve('test/samples/catalog');

/** A line that carries `# @name`: the finding must name it. */
export interface Marker {
  name: string;
  line: number;
  /** Name of the enclosing function, `<module>` outside of any. */
  function: string;
}

export interface Program {
  code: FindingCode;
  /** Path of the file, relative to the catalogue: `lock-reentry/bad_trio.py`. */
  name: string;
  file: string;
  bad: boolean;
  markers: Marker[];
  /** `# also:`: other findings that belong to the same mistake and may be there as well. */
  also: string[];
  /** `# needs: python>=3.11`: oldest minor version of Python 3 it runs on. */
  minimumMinor: number;
  /** `# options: {…}`: Async Health options of this sample (lower thresholds). */
  options: Record<string, unknown> | undefined;
}

function header(source: string, key: string): string | undefined {
  return source.match(new RegExp(`^# ${key}: *(.+)$`, 'm'))?.[1];
}

/** The innermost `def` around a line, by indentation (the samples are formatted, so that is exact). */
function enclosingFunction(lines: string[], index: number): string {
  const indent = (line: string) => line.length - line.trimStart().length;
  let depth = indent(lines[index] ?? '');
  for (let above = index - 1; above >= 0; above--) {
    const line = lines[above] ?? '';
    if (line.trim() === '' || indent(line) >= depth) continue;
    depth = indent(line);
    const name = line.match(/^\s*(?:async )?def (\w+)/)?.[1];
    if (name) return name;
  }
  return '<module>';
}

function parse(code: FindingCode, name: string): Program {
  const file = path.join(CATALOG, code, name);
  const source = readFileSync(file, 'utf8');
  const lines = source.split('\n');
  const markers = lines.flatMap((line, index) => {
    const marker = line.match(/# @([\w-]+)/)?.[1];
    return marker ? [{ name: marker, line: index + 1, function: enclosingFunction(lines, index) }] : [];
  });
  const options = header(source, 'options');
  return {
    code,
    name: `${code}/${name}`,
    file,
    bad: name.startsWith('bad_'),
    markers,
    also: header(source, 'also')?.split(/,\s*/) ?? [],
    minimumMinor: Number(header(source, 'needs')?.match(/python>=3\.(\d+)/)?.[1] ?? 8),
    options: options ? (JSON.parse(options) as Record<string, unknown>) : undefined,
  };
}

/** All programs, in the order of their paths. */
export function catalogue(): Program[] {
  return readdirSync(CATALOG)
    .sort()
    .flatMap((code) =>
      readdirSync(path.join(CATALOG, code))
        .filter((name) => /^(bad|ok)_\w+\.py$/.test(name))
        .sort()
        .map((name) => parse(code as FindingCode, name)),
    );
}
