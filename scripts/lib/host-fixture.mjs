// What both hosts of the in-host suite (VS Code server, desktop) give it: a workspace of its own, stand-ins for the Python extensions
// (which need the Marketplace), an interpreter.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, rootPython } from './pythons.mjs';

/** Fresh copies, because the tests write into them. `data` does not exist yet. */
export function fixture() {
  const folder = mkdtempSync(join(tmpdir(), 'async-health-host-'));
  cpSync(join(root, 'test/host/workspace'), join(folder, 'workspace'), { recursive: true });
  // The programs of the adapter's tests about tasks: what holds over DAP is shown in VS Code with the same ones.
  cpSync(join(root, 'test/dap/tasks/programs'), join(folder, 'workspace', 'tasks'), { recursive: true });
  cpSync(join(root, 'test/samples/catalog'), join(folder, 'workspace', 'catalog'), { recursive: true });
  cpSync(join(root, 'test/host/standins'), join(folder, 'extensions'), { recursive: true });
  return {
    workspace: join(folder, 'workspace'),
    extensions: join(folder, 'extensions'),
    data: join(folder, 'data'),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
}

/** `--grep TEXT` or AH_GREP chooses tests by their title. */
export function suiteEnvironment() {
  const at = process.argv.indexOf('--grep');
  return {
    ASYNC_HEALTH_PYTHON: process.env.ASYNC_HEALTH_PYTHON ?? rootPython,
    AH_GREP: at > 0 ? process.argv[at + 1] : (process.env.AH_GREP ?? ''),
  };
}
