/** `pause` also stops a program whose loops are idle. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AdapterContext } from '../context';
import type { Interceptor, Next } from '../interceptors';

export class Pause implements Interceptor {
  readonly name = 'pause';

  constructor(private readonly context: AdapterContext) {}

  onRequest(request: DebugProtocol.Request, next: Next): Promise<DebugProtocol.Response> | undefined {
    return request.command === 'pause' && this.context.probe.isLive ? this.pause(request, next) : undefined;
  }

  private async pause(request: DebugProtocol.Request, next: Next): Promise<DebugProtocol.Response> {
    const response = await next(request);
    if (response.success) {
      // debugpy has marked the threads by now. Nobody waits for this: the stop comes as an event.
      this.context.probe
        .request('stop.wake')
        .catch((error: Error) => this.context.log.warn(`an idle loop will stop at its next event only: ${error.message}`));
    }
    return response;
  }
}
