/** Where the parts lie next to the bundled command: `dist/`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export function probeFolder(): string {
  return join(__dirname, 'python', 'async_health');
}

/** The pure-Python debugpy, when this build has one. */
export function bundledDebugpy(): string | undefined {
  const folder = join(__dirname, 'debugpy');
  return existsSync(folder) ? folder : undefined;
}
