import type { LoopRow } from '../../shared/rows';
import type { LoopMonitor } from '../trackers/loops';
import { round } from '../trackers/tasks';

const MAX_LOOPS = 32;

/** Running loops first, newest first; ended ones only while there is none that runs. */
export function loopRows(loops: LoopMonitor, nowNs: number): LoopRow[] {
  const all = [...loops.all()].reverse();
  const running = all.filter((loop) => loop.running);
  return (running.length > 0 ? running : all.slice(0, 1)).slice(0, MAX_LOOPS).map((loop) => {
    const row: LoopRow = {
      kind: 'loop',
      id: loop.id,
      type: loop.type,
      threadId: loop.threadId,
      running: loop.running,
      lagMs: round(loop.lagNs / 1e6),
      worstLagMs: round(loop.worstLagNs / 1e6),
      slowCallbacks: loop.slowCallbacks,
    };
    if (loop.threadName !== undefined) row.threadName = loop.threadName;
    if (loop.counted) {
      row.readyLength = loop.readyLength;
      row.turnsPerSecond = round(loop.turnsPerSecond, 1);
    }
    if (loop.blocked !== undefined) {
      row.blocked = { forMs: round(Math.max(loop.blocked.forNs, nowNs - loop.blocked.sinceNs) / 1e6) };
      const place = loop.blocked.stack?.place;
      if (place !== undefined) row.blocked.at = place;
      if (loop.blocked.task !== undefined) row.blocked.task = { ...loop.blocked.task.ref };
    }
    return row;
  });
}
