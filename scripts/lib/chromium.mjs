// Where the browser is.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export function findChromium() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const found = [process.env.CHROMIUM, ...names.flatMap((name) => folders.map((folder) => join(folder, name)))].find(
    (path) => path && existsSync(path),
  );
  if (!found) throw new Error('Chromium was not found: install it (Debian: apt-get install chromium) or set CHROMIUM to its path.');
  return found;
}
