/** Whose code a file is, and how a place is written. */
import type { SourceLocation } from '../../shared/findings';

export type Origin = 'user' | 'library' | 'stdlib' | 'probe';

/** What decides {@link originOf}: known from the probe's hello. */
export interface PathRules {
  /** Folders of the interpreter's own library, with `/` and a trailing `/`, lower case. */
  stdlib: string[];
  /** Answers so far, by file; a program has few files and many frames. */
  cache: Map<string, Origin>;
}

export function newPathRules(): PathRules {
  return { stdlib: [], cache: new Map() };
}

/** On Windows the standard library is `Lib` beside python.exe; elsewhere its folder is named after the version. */
export function learnExecutable(rules: PathRules, executable: string): void {
  const path = executable.replace(/\\/g, '/').toLowerCase();
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  if (/^[a-z]:\//.test(path)) rules.stdlib.push(`${folder}lib/`, `${folder.replace(/scripts\/$/, '')}lib/`);
  rules.cache.clear();
}

export function originOf(file: string, rules: PathRules): Origin {
  const known = rules.cache.get(file);
  if (known !== undefined) return known;
  if (rules.cache.size > 50_000) rules.cache.clear();
  const origin = classify(file.replace(/\\/g, '/'), rules);
  rules.cache.set(file, origin);
  return origin;
}

function classify(path: string, rules: PathRules): Origin {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.startsWith('_ah_') || name.startsWith('<async_health') || path.includes('async_health/__init__')) return 'probe';
  if (/\/(?:debugpy|pydevd)\//.test(path) || name.startsWith('pydevd')) return 'probe';
  if (/\/(?:site|dist)-packages\//.test(path)) return 'library';
  if (path.startsWith('<frozen')) return 'stdlib';
  if (/\/lib(?:64)?\/(?:python|pypy)\d(?:\.\d+)?t?\//i.test(path)) return 'stdlib';
  const lower = path.toLowerCase();
  if (rules.stdlib.some((folder) => lower.startsWith(folder))) return 'stdlib';
  return 'user';
}

/** `db.py:41` */
export function shortPlace(place: SourceLocation): string {
  const path = place.file.replace(/\\/g, '/');
  return `${path.slice(path.lastIndexOf('/') + 1) || '?'}:${place.line}`;
}

/** `fetch (db.py:41)` */
export function longPlace(place: SourceLocation): string {
  return `${place.function} (${shortPlace(place)})`;
}

/** Same spot in the source; the key that findings are joined by. */
export function placeKey(place: SourceLocation | undefined): string {
  return place === undefined ? '' : `${place.file}:${place.line}:${place.function}`;
}
