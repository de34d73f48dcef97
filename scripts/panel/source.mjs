// Hosts for the harness: the real HealthModel and the real PanelFeed, fed by a recording or by the synthetic program.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { syntheticProgram } from './synthetic.mjs';

/** Between two ticks of the feed, as in the editor. */
const TICK_MS = 100;

/** Batches of a recording (JSON lines of ProbeBatch), whatever else a line may hold skipped. */
export function readRecording(file) {
  const batches = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.trim()) continue;
    let value;
    try {
      value = JSON.parse(line);
    } catch {
      continue;
    }
    const batch = value?.type === 'batch' ? value : value?.batch;
    if (batch?.type === 'batch') batches.push(batch);
  }
  if (batches.length === 0) throw new Error(`${file} holds no batch: it is not a recording`);
  return batches;
}

function host(sources, send, { label, pid = 4242, model, step, onAction, state = 'running' }) {
  const process = { id: 'harness', label, pid, state, probe: 'live', detail: 'standard', findings: 0 };
  const debug = () => ({
    sessions: [{ id: 'launch', name: label, active: process.state !== 'ended', breakpoints: 0, events: 0, ageMs: model.nowMs }],
    requests: 0,
    events: 0,
    errors: 0,
    meanRoundTripMs: 0,
  });
  let visible = true;
  const feed = new sources.PanelFeed(send, {
    onAction: (request, action) => {
      onAction?.(action);
      if (action.do === 'setDetail') process.detail = action.detail;
      feed.result(request, true);
    },
    onError: (message, stack) => console.error(`page: ${message}\n${stack ?? ''}`),
  });
  const update = () => {
    process.findings = model.findings().length;
    feed.setProcesses([{ info: { ...process }, model, debug }]);
  };
  update();
  const timer = setInterval(() => {
    if (process.state !== 'ended' && !step()) {
      process.state = 'ended';
      process.probe = 'ended';
      model.end();
    }
    if (!visible) return;
    update();
    feed.tick();
  }, TICK_MS);
  return {
    feed,
    model,
    handle: (message) => feed.handle(message),
    setVisible(shown) {
      visible = shown;
      feed.setVisible(shown);
    },
    close: () => clearInterval(timer),
  };
}

/** @returns a `connect` for servePanel: a program of `options.tasks` tasks of which `options.changesPerSecond` things change. */
export function syntheticSource(sources, options = {}) {
  return (send) => {
    const model = new sources.HealthModel({});
    const program = syntheticProgram(sources, { tickMs: TICK_MS, ...options });
    model.ingest(sources.decodeBatch(program.first));
    return host(sources, send, {
      label: `synthetic (${options.tasks ?? 1000} tasks)`,
      model,
      onAction: options.onAction,
      step: () => {
        model.ingest(sources.decodeBatch(program.next()));
        return true;
      },
    });
  };
}

/** @returns a `connect` for servePanel: a recording, at the speed it was made (`speed` times that; Infinity = at once). */
export function recordingSource(sources, file, { speed = 1, label = basename(file), onAction } = {}) {
  const batches = readRecording(file);
  return (send) => {
    const model = new sources.HealthModel({});
    let at = 0;
    let nowNs = batches[0].t;
    return host(sources, send, {
      label,
      pid: batches[0].pid,
      model,
      onAction,
      step: () => {
        nowNs += TICK_MS * 1e6 * speed;
        while (at < batches.length && batches[at].t <= nowNs) model.ingest(sources.decodeBatch(batches[at++]));
        return at < batches.length;
      },
    });
  };
}
