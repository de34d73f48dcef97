/** Which debugpy a session talks to. */

import { pythonFolder } from '../probe';
import { gdbStandIn } from './config/attachByPid';
import { resolveDebugpy } from './config/debugpy';
import { type Discovery, findPythonSync } from './config/interpreter';
import type { Configuration } from './config/resolve';
import { DebugpyServer } from './DebugpyServer';
import { UserError } from './errors';
import type { Log } from './log';

/** Given by the caller: instead of the debugpy that the adapter would choose. */
export type Upstream = { exec: string[]; cwd?: string } | { host: string; port: number };

export type { Configuration };

/** Host and port of a listening adapter that an attach configuration names; nothing when debugpy is to be started. */
export function attachTarget(configuration: Configuration): { host: string; port: number } | undefined {
  if (configuration.request !== undefined && configuration.request !== 'attach') return undefined;
  const connect = configuration.connect as { host?: unknown; port?: unknown } | undefined;
  const port = connect?.port ?? configuration.port;
  if (port === undefined || configuration.listen !== undefined || configuration.processId !== undefined) return undefined;
  const number = Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) {
    throw new UserError(
      'bad-configuration',
      `"connect.port" is ${JSON.stringify(port)}.`,
      'Give the port that debugpy listens on, 1 to 65535.',
    );
  }
  const host = connect?.host ?? configuration.host;
  return { host: typeof host === 'string' && host !== '' ? host : '127.0.0.1', port: number };
}

/** Starts or connects. @throws UserError (no Python, no debugpy, nothing listens) */
export async function openUpstream(
  configuration: Configuration | undefined,
  given: Upstream | undefined,
  discovery: Discovery,
  log: Log,
): Promise<DebugpyServer> {
  if (given) {
    if ('host' in given) return DebugpyServer.connect({ ...given, log });
    const [command, ...args] = given.exec;
    if (!command)
      throw new UserError('bad-configuration', 'No command was given for the debugpy adapter.', 'Write it after --upstream-exec.');
    return DebugpyServer.exec(command, args, { cwd: given.cwd }, log);
  }
  const target = configuration && attachTarget(configuration);
  if (target) return DebugpyServer.connect({ ...target, log });
  const python = findPythonSync(configuration ?? {}, discovery);
  const debugpy = await resolveDebugpy(configuration ?? {}, python, discovery);
  log.info(`python: ${python.command.join(' ')} (${python.source}); debugpy: ${debugpy.path ?? 'its own'} (${debugpy.source})`);
  const standIn = configuration && gdbStandIn(configuration, python.command, pythonFolder('attach'));
  const args = configuration?.logToFile === true && discovery.logDir ? ['--log-dir', discovery.logDir] : [];
  return DebugpyServer.start({
    python: python.command,
    debugpyPath: debugpy.path,
    args,
    cwd: discovery.workspaceFolder,
    env: standIn?.env,
    onExit: standIn?.dispose,
    detached: discovery.detached,
    log,
  });
}
