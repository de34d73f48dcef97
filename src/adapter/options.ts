/** The `asyncHealth` block of a launch configuration, on top of the editor's settings, on top of the defaults; checked, because people write it by hand. */
import { type AsyncHealthOptions, DEFAULT_OPTIONS, DEFAULT_THRESHOLDS } from '../shared/settings';

/** @returns the merged options and what was wrong with the block, for the log. Wrong values fall back, they never stop a session. */
export function mergeOptions(...layers: (unknown | undefined)[]): { options: AsyncHealthOptions; problems: string[] } {
  const options: AsyncHealthOptions = { ...DEFAULT_OPTIONS, thresholds: { ...DEFAULT_THRESHOLDS } };
  const problems: string[] = [];
  for (const layer of layers) {
    if (layer === undefined || layer === null) continue;
    if (typeof layer !== 'object' || Array.isArray(layer)) {
      problems.push(`"asyncHealth" must be an object, not ${JSON.stringify(layer)}`);
      continue;
    }
    apply(options as unknown as Record<string, unknown>, layer as Record<string, unknown>, 'asyncHealth', problems);
  }
  return { options, problems };
}

function apply(target: Record<string, unknown>, layer: Record<string, unknown>, path: string, problems: string[]): void {
  for (const [key, value] of Object.entries(layer)) {
    const known = target[key];
    const where = `"${path}.${key}"`;
    if (value === undefined || value === null) continue;
    if (known === undefined) problems.push(`${where} is not known`);
    else if (typeof known === 'object') {
      if (typeof value === 'object' && !Array.isArray(value)) {
        apply(known as Record<string, unknown>, value as Record<string, unknown>, `${path}.${key}`, problems);
      } else problems.push(`${where} must be an object`);
    } else if (typeof value !== typeof known) problems.push(`${where} must be a ${typeof known}, not ${JSON.stringify(value)}`);
    else if (typeof value === 'number' && !(Number.isFinite(value) && value >= 0)) problems.push(`${where} must not be negative`);
    else if (key === 'detail' && !['light', 'standard', 'full'].includes(value as string)) {
      problems.push(`${where} must be "light", "standard" or "full", not ${JSON.stringify(value)}`);
    } else target[key] = value;
  }
}
