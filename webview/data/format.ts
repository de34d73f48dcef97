/** Numbers and places as text, the same everywhere on the page. Pure. */
import type { SourceLocation } from '../../src/shared/findings';

/** What stands for "not known". */
export const NONE = '–';

const two = (n: number) => String(n).padStart(2, '0');

/** ms as text with at most three significant digits: `0.42 ms`, `420 ms`, `4.2 s`, `4 m 05 s`, `3 h 04 m`, `2 d 03 h`. */
export function formatMs(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return NONE;
  if (ms < 0) return '−' + formatMs(-ms);
  if (ms === 0) return '0 ms';
  if (ms < 0.995) return `${ms.toFixed(2)} ms`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 59_500) return `${Math.round(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.round(ms / 3_600_000);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

/** Bytes as text, powers of 1024: `812 B`, `4.2 KB`, `128 MB`, `1.3 GB`. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined || !Number.isFinite(bytes)) return NONE;
  if (bytes < 0) return '−' + formatBytes(-bytes);
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  let value = bytes;
  for (const unit of ['KB', 'MB', 'GB', 'TB']) {
    value /= 1024;
    if (value < 9.95) return `${value.toFixed(1)} ${unit}`;
    if (value < 999.5 || unit === 'TB') return `${Math.round(value)} ${unit}`;
  }
  return NONE;
}

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A count in full: `12,345`. */
export function formatCount(n: number | undefined): string {
  return n === undefined || !Number.isFinite(n) ? NONE : grouped.format(n);
}

/** A count where room is short: `999`, `1.2k`, `12k`, `3.4M`. */
export function formatShort(n: number | undefined): string {
  if (n === undefined || !Number.isFinite(n)) return NONE;
  if (n < 0) return '−' + formatShort(-n);
  if (n < 999.5) return String(Math.round(n));
  for (const [size, unit] of [
    [1e3, 'k'],
    [1e6, 'M'],
    [1e9, 'G'],
  ] as const) {
    const value = n / size;
    if (value < 9.95) return `${value.toFixed(1).replace(/\.0$/, '')}${unit}`;
    if (value < 999.5 || unit === 'G') return `${Math.round(value)}${unit}`;
  }
  return NONE;
}

/** A ratio (1 = all) as `97 %`; below 10 % with one decimal, and never `100 %` or `0 %` unless it is exactly that. */
export function formatPercent(ratio: number | undefined): string {
  if (ratio === undefined || !Number.isFinite(ratio)) return NONE;
  const percent = ratio * 100;
  if (percent > 99 && percent < 100) return `${Math.min(99.9, Number(percent.toFixed(1)))} %`;
  if (percent > 0 && percent < 9.95) return `${Math.max(0.1, Number(percent.toFixed(1)))} %`;
  return `${Math.round(percent)} %`;
}

/** `1 task`, `2 tasks`, `1,000 tasks`. */
export function plural(n: number, one: string, many = one + 's'): string {
  return `${formatCount(n)} ${n === 1 ? one : many}`;
}

/** Last part of a path, `/` or `\`. */
export function baseName(path: string): string {
  const end = path.replace(/[\\/]+$/, '');
  return end.slice(Math.max(end.lastIndexOf('/'), end.lastIndexOf('\\')) + 1) || path;
}

/** A place, short: `db.py:41`. */
export function placeText(place: SourceLocation | undefined): string {
  return place ? `${baseName(place.file)}:${place.line}` : NONE;
}

/** A place in full, for tooltips and copies: `/app/db.py:41 in fetch`. */
export function placeTitle(place: SourceLocation): string {
  return `${place.file}:${place.line}${place.function ? ` in ${place.function}` : ''}`;
}

/** A stack the way Python prints one line per frame, leaf first. */
export function stackText(stack: readonly SourceLocation[]): string {
  return stack.map((place) => `  ${placeTitle(place)}`).join('\n');
}
