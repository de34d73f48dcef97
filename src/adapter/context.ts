/** What a feature that plugs into the adapter (an {@link Interceptor} and its helpers) is given. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { HealthModel } from '../health';
import type { ProbeLink } from '../probe';
import type { AsyncHealthOptions } from '../shared/settings';
import type { DebugClient } from './DebugClient';
import type { Log } from './log';
import type { RemoteDebugger } from './remote/RemoteDebugger';

export interface AdapterContext {
  /** The connection to debugpy: our own requests (they pass no interceptor), events. Throws before the session has begun. */
  readonly client: DebugClient;
  readonly remote: RemoteDebugger;
  readonly probe: ProbeLink;
  readonly health: HealthModel;
  readonly log: Log;
  /** Merged `asyncHealth` options; final once `launch` or `attach` was seen. */
  readonly options: AsyncHealthOptions;
  /** Arguments of `launch` or `attach`, once seen. */
  readonly configuration: Record<string, unknown>;
  /** Arguments of `initialize`, once seen: what the client can do. */
  readonly clientCapabilities: DebugProtocol.InitializeRequestArguments;
  /** An event of our own to the client, in order with debugpy's. */
  sendEvent(event: string, body?: unknown): void;
  /** A request of our own through all interceptors, as if the client had sent it; resolves with the body. */
  request<T = unknown>(command: string, args?: unknown): Promise<T>;
}
