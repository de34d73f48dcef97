/**
 * Gets the probe into the program and its events out of the client's sight.
 *
 * Between `initialized` and `configurationDone` no user code of a launched program has run, so that is when the probe goes in: the
 * client's later messages wait, in order. Whatever fails, the session goes on as plain debugpy and {@link ProbeLink} says why.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ProbeLink } from '../probe';
import { bringIn, type ProbePayload } from '../probe';
import { PROBE_EVENT } from '../shared/wire';
import type { AdapterContext } from './context';
import { RequestFailed, RequestTimeout } from './errors';
import type { Interceptor } from './interceptors';

/** How long after `terminated` a last batch is waited for, ms. */
const LAST_WORDS_MS = 300;

export class ProbeSupervisor implements Interceptor {
  readonly name = 'probe';
  private injected = false;
  private lastWords: NodeJS.Timeout | undefined;
  private abort: AbortController | undefined;
  private started: DebugProtocol.Request | undefined;

  constructor(
    private readonly context: AdapterContext,
    private readonly link: ProbeLink,
    private readonly payload: () => ProbePayload,
    /** Holds the client's messages until the returned function is called. */
    private readonly hold: () => () => void,
  ) {}

  onRequest(request: DebugProtocol.Request): undefined {
    if (request.command !== 'launch' && request.command !== 'attach') return;
    this.started = request;
    const args = (request.arguments ?? {}) as { noDebug?: boolean };
    if (!this.context.options.probe) this.link.setStatus('off', 'The probe is switched off ("asyncHealth": {"probe": false}).');
    else if (args.noDebug) {
      this.link.setStatus('off', 'Running without debugging: there is no debugger to carry the probe. Use "Start Debugging" (F5).');
    } else this.link.setStatus('starting');
  }

  onEvent(event: DebugProtocol.Event): null | undefined {
    if (event.event === PROBE_EVENT) {
      this.link.receive(event.body);
      return null;
    }
    if (event.event === 'initialized' && this.link.status === 'starting' && !this.injected) {
      this.injected = true;
      const release = this.hold();
      this.inject().finally(release);
    } else if (event.event === 'terminated') {
      // It comes from debugpy's launcher, over another socket than the probe's last batch.
      this.lastWords ??= setTimeout(() => this.link.end(), LAST_WORDS_MS);
    }
    return undefined;
  }

  /** The client wants to leave: it must not wait for us. */
  cancel(): void {
    this.abort?.abort(new Error('The session is ending.'));
  }

  dispose(): void {
    clearTimeout(this.lastWords);
    this.cancel();
  }

  private async inject(): Promise<void> {
    const { client, options, log } = this.context;
    const timeoutMs = options.injectTimeoutMs;
    this.abort = new AbortController();
    const { signal } = this.abort;
    const began = performance.now();
    try {
      const payload = this.payload();
      this.link.connect((expression, limitMs) => this.evaluate(expression, limitMs));
      const probeOptions = {
        detail: options.detail,
        tickMs: options.tickMs,
        thresholds: options.thresholds,
        freezeTimeWhilePaused: options.freezeTimeWhilePaused,
        attached: this.started?.command === 'attach',
        ownsStops: true,
      };
      await bringIn(payload, probeOptions, async (expression) => {
        const restMs = Math.max(1, timeoutMs - (performance.now() - began));
        const args = { expression, context: 'repl' };
        const body = await client.request<DebugProtocol.EvaluateResponse['body']>('evaluate', args, { timeoutMs: restMs, signal });
        return body.result;
      });
      log.info(`probe in after ${(performance.now() - began).toFixed(1)} ms`);
    } catch (error) {
      log.error('The probe did not get in', error);
      this.link.setStatus('failed', this.explain(error, timeoutMs));
    } finally {
      this.abort = undefined;
    }
  }

  private async evaluate(expression: string, timeoutMs: number): Promise<string> {
    const body = await this.context.client.request<DebugProtocol.EvaluateResponse['body']>('evaluate', { expression }, { timeoutMs });
    return body.result;
  }

  private explain(error: unknown, timeoutMs: number): string {
    if (error instanceof RequestTimeout) {
      return `The probe did not get into the program within ${timeoutMs} ms; debugging goes on without it. Restart the session, or raise "asyncHealth": {"injectTimeoutMs": …} in launch.json.`;
    }
    if (error instanceof RequestFailed) {
      const last = error.message.trim().split('\n').pop();
      return `The program refused the probe (${last}); debugging goes on without it. "Save Diagnostic Log" has the details.`;
    }
    return `The probe could not be started: ${error instanceof Error ? error.message : error}`;
  }
}
