/** What a client saw, in a form in which two sessions can be compared: without numbers that differ from run to run. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';

type Message = DebugProtocol.ProtocolMessage;

/** Ids that debugpy hands out: replaced by the order of their first appearance. */
const IDS = new Set(['variablesReference', 'frameId', 'id', 'threadId', 'sourceReference', 'requestId']);

export function transcript(messages: Message[]): unknown[] {
  const seen = new Map<string, string>();
  const ids = (kind: string, value: number) => {
    const key = `${kind}:${value}`;
    if (!seen.has(key)) seen.set(key, `${kind}#${[...seen.keys()].filter((k) => k.startsWith(`${kind}:`)).length + 1}`);
    return seen.get(key);
  };
  const clean = (value: unknown, key = ''): unknown => {
    if (Array.isArray(value)) return value.map((item) => clean(item, key));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, clean(item, name)]));
    }
    if (typeof value === 'number') {
      if (key === 'systemProcessId' || key === 'port' || key === 'pid' || key === 'ppid') return `<${key}>`;
      if (IDS.has(key) && value > 0) return ids(key === 'frameId' ? 'id' : key, value);
    }
    if (typeof value === 'string')
      return value
        .replace(/0x[0-9a-f]{6,}/gi, '0x…')
        .replace(/\b\d+\.\d\ds - /g, '<time> - ')
        .replace(/'seq': \d+/g, "'seq': …")
        .replace(/\b\d{10,}\b/g, '<number>')
        .replace(/\(pid[^)]*\)/gi, '(pid …)');
    return value;
  };
  const lines: unknown[] = [];
  for (const message of messages) {
    const { seq: _seq, request_seq: _request, ...rest } = message as DebugProtocol.Response;
    const previous = lines.at(-1) as { event?: string; body?: DebugProtocol.OutputEvent['body'] } | undefined;
    const event = rest as unknown as DebugProtocol.OutputEvent;
    if (
      event.type === 'event' &&
      event.event === 'output' &&
      previous?.event === 'output' &&
      previous.body?.category === event.body.category
    ) {
      // How output is cut into pieces is a matter of timing.
      if (event.body.category !== 'telemetry') {
        previous.body!.output += clean(event.body.output);
        continue;
      }
    }
    lines.push(clean(rest));
  }
  return lines;
}

/** Lines without the program's output, and the output by category: it comes over another socket, so its place among the others varies. */
export function split(lines: unknown[]): { lines: unknown[]; output: Record<string, string> } {
  const output: Record<string, string> = {};
  const others: unknown[] = [];
  for (const line of lines) {
    const { event, body } = line as { event?: string; body?: DebugProtocol.OutputEvent['body'] };
    if (event === 'output' && (body?.category === 'stdout' || body?.category === 'stderr')) {
      output[body.category] = (output[body.category] ?? '') + body.output;
    } else others.push(line);
  }
  return { lines: others, output };
}

/** The one documented difference: `initialize` offers more exception filters, with conditions. They are taken out before comparing. */
export function compare(actual: ReturnType<typeof split>, expected: ReturnType<typeof split>): void {
  for (const line of actual.lines as { command?: string; body?: { exceptionBreakpointFilters?: { filter: string }[] } }[]) {
    const filters = line.command === 'initialize' ? line.body?.exceptionBreakpointFilters : undefined;
    if (!filters) continue;
    line.body!.exceptionBreakpointFilters = filters.filter(({ filter }) => !filter.startsWith('async'));
    delete (line.body as { supportsExceptionFilterOptions?: true }).supportsExceptionFilterOptions;
  }
  assert.deepEqual(actual.output, expected.output);
  for (const [index, line] of expected.lines.entries()) {
    assert.deepEqual(actual.lines[index], line, `message ${index}; before: ${JSON.stringify(expected.lines[index - 1])?.slice(0, 200)}`);
  }
  assert.equal(actual.lines.length, expected.lines.length);
}
