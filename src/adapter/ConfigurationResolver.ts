/** Resolves `launch` and `attach` on their way to debugpy; a configuration that can't work is answered here, with the next step. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Discovery } from './config/interpreter';
import { type Configuration, resolveConfiguration } from './config/resolve';
import type { Interceptor, Next } from './interceptors';
import type { Log } from './log';

export class ConfigurationResolver implements Interceptor {
  readonly name = 'configuration';

  constructor(
    private readonly discovery: Discovery,
    private readonly onResolved: (configuration: Configuration) => void,
    private readonly log: Log,
  ) {}

  onRequest(request: DebugProtocol.Request, next: Next): Promise<DebugProtocol.Response> | undefined {
    const { command } = request;
    if (command !== 'launch' && command !== 'attach') return undefined;
    const given = (request.arguments ?? {}) as Configuration;
    const { configuration, problems } = resolveConfiguration(command, given, this.discovery);
    for (const problem of problems) this.log.warn(`launch configuration: ${problem}`);
    this.onResolved(configuration);
    return next({ ...request, arguments: configuration });
  }
}
