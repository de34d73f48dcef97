/** The line of a small chart as SVG path data. Pure. */

export interface SparkPath {
  line: string;
  /** The same, closed along the bottom, for the fill. */
  area: string;
  /** Value at the top edge. */
  max: number;
}

/** A round number at or above `value`: 1, 2 or 5 times a power of ten. */
export function niceCeiling(value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 5]) if (value <= step * power * (1 + 1e-9)) return step * power;
  return 10 * power;
}

/**
 * @param values oldest first; drawn right-aligned in `capacity` slots, so that a chart fills from the right as in a scope
 * @param floor the top edge is never lower than this: noise near zero must not look like a mountain
 */
export function sparkPath(values: readonly number[], width: number, height: number, capacity: number, floor = 0): SparkPath {
  const shown = values.slice(-capacity);
  const top = niceCeiling(Math.max(floor, ...shown.map((v) => (Number.isFinite(v) ? v : 0)), 0));
  if (shown.length === 0) return { line: '', area: '', max: top };
  const step = width / Math.max(1, capacity - 1);
  const start = width - (shown.length - 1) * step;
  const points = shown.map((v, i) => {
    const ratio = Number.isFinite(v) ? Math.min(1, Math.max(0, v / top)) : 0;
    return `${(start + i * step).toFixed(1)} ${(height - ratio * height).toFixed(1)}`;
  });
  const line = `M${points.join('L')}`;
  return { line, area: `${line}V${height}H${start.toFixed(1)}Z`, max: top };
}
