import { writeFileSync } from 'node:fs';
import { UsageError } from './args';

/** Writes a file, or standard output for "-". @throws UsageError when the file can't be written */
export async function write(file: string | undefined, text: string): Promise<void> {
  if (file === undefined || file === '-') {
    await new Promise<void>((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())));
    return;
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`"${file}" can't be written: ${(error as Error).message}. Choose another place.`);
  }
}
