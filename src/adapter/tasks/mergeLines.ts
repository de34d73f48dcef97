/**
 * The rules by which breakpoints of the editor and of the program share a file: pure.
 *
 * - One entry per line goes to debugpy (it would keep only the last of two).
 * - A line with a single plain part goes as it is. A line shared by several, or guarded by an operation together with a hit count
 *   or log message, goes as one breakpoint whose condition asks the probe (`_ah_break.check`), which keeps each part's own
 *   condition, hit count and log message.
 * - A line where one part always stops needs no condition, unless another part logs or counts.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';

/** One wish for a stop at a line. */
export interface Part {
  /** Stable, unique: `c<n>` of the client, `p<n>` of the program. */
  id: string;
  /** As asked for. */
  line: number;
  /** Where debugpy put it, once known. */
  actualLine?: number;
  column?: number;
  condition?: string;
  hitCondition?: string;
  logMessage?: string;
  /** Stops only in this operation's own context. */
  operation?: string;
}

export interface MergedLine {
  line: number;
  parts: Part[];
  /** What debugpy gets. */
  breakpoint: DebugProtocol.SourceBreakpoint;
  /** Set when the probe decides: key of `break.define`. */
  number?: number;
}

/** Entries for debugpy, in order of first appearance. `numberOf` gives a line's key (the same as long as the file lives). */
export function mergeLines(parts: readonly Part[], numberOf: (line: number) => number): MergedLine[] {
  const byLine = new Map<number, Part[]>();
  for (const part of parts) {
    const line = part.actualLine ?? part.line;
    const list = byLine.get(line);
    if (list) list.push(part);
    else byLine.set(line, [part]);
  }
  return [...byLine].map(([line, list]) => mergeLine(line, list, numberOf));
}

function mergeLine(line: number, parts: Part[], numberOf: (line: number) => number): MergedLine {
  const [only] = parts;
  if (parts.length === 1 && only) {
    const plain: DebugProtocol.SourceBreakpoint = { line: only.line };
    if (only.column !== undefined) plain.column = only.column;
    if (!only.operation) {
      if (only.condition !== undefined) plain.condition = only.condition;
      if (only.hitCondition !== undefined) plain.hitCondition = only.hitCondition;
      if (only.logMessage !== undefined) plain.logMessage = only.logMessage;
      return { line, parts, breakpoint: plain };
    }
  } else if (parts.some(alwaysStops) && !parts.some((part) => part.logMessage || part.hitCondition || part.operation)) {
    return { line, parts, breakpoint: { line } };
  }
  const number = numberOf(line);
  const condition = `__import__('sys').modules['async_health._ah_break'].check(${number}, globals(), locals())`;
  return { line, parts, number, breakpoint: { line: only?.line ?? line, condition } };
}

function alwaysStops(part: Part): boolean {
  return !part.condition && !part.hitCondition && !part.logMessage && !part.operation;
}

/**
 * A hit condition as a Python expression of `hits`, by debugpy's rules: a number (or `== n`) = at the nth time, `>= n`, `> n`, `<= n`,
 * `< n`, `% n`. Anything else is taken as an expression, as debugpy does.
 */
export function hitExpression(hitCondition: string): string {
  const text = hitCondition.trim();
  if (/^\d+$/.test(text)) return `hits == ${text}`;
  if (text.startsWith('%')) return `hits ${text} == 0`;
  if (/^(==|>|<)/.test(text)) return `hits ${text}`;
  return text.replace(/@HIT@/g, 'hits');
}

/** What `break.define` needs of a merged line. */
export function definition(merged: MergedLine): { number: number; parts: Record<string, unknown>[] } {
  return {
    number: merged.number!,
    parts: merged.parts.map((part) => ({
      id: part.id,
      ...(part.condition ? { condition: part.condition } : {}),
      ...(part.hitCondition ? { hit: hitExpression(part.hitCondition) } : {}),
      ...(part.logMessage ? { log: part.logMessage } : {}),
      ...(part.operation ? { operation: part.operation } : {}),
    })),
  };
}
