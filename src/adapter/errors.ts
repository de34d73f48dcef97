/**
 * Errors of the adapter. A {@link UserError} is for the person at the keyboard: what happened, why, and the next step;
 * everything else goes to the log with its stack.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';

export type UserErrorCode =
  | 'no-python'
  | 'no-debugpy'
  | 'adapter-exited'
  | 'connect-failed'
  | 'program-missing'
  | 'bad-configuration'
  | 'env-file'
  | 'probe-missing'
  | 'attach-failed';

/** DAP error ids of our own errors; debugpy itself uses none. */
const ERROR_IDS: Record<UserErrorCode, number> = {
  'no-python': 9001,
  'no-debugpy': 9002,
  'adapter-exited': 9003,
  'connect-failed': 9004,
  'program-missing': 9005,
  'bad-configuration': 9006,
  'env-file': 9007,
  'probe-missing': 9008,
  'attach-failed': 9009,
};

export class UserError extends Error {
  constructor(
    readonly code: UserErrorCode,
    /** What happened and why, one sentence. */
    readonly what: string,
    /** What to do now, one sentence. */
    readonly nextStep: string,
    options?: { cause?: unknown },
  ) {
    super(`${what} ${nextStep}`, options);
    this.name = 'UserError';
  }
}

/** A request that debugpy (or an interceptor on purpose) answered with `success: false`. */
export class RequestFailed extends Error {
  constructor(readonly response: DebugProtocol.Response) {
    super(errorText(response));
    this.name = 'RequestFailed';
  }
}

/** A request of ours that was not answered in time. */
export class RequestTimeout extends Error {
  constructor(
    readonly command: string,
    readonly timeoutMs: number,
  ) {
    super(`No answer to "${command}" within ${timeoutMs} ms.`);
    this.name = 'RequestTimeout';
  }
}

/** The connection ended while a request was open. */
export class ConnectionClosed extends Error {
  constructor(command: string) {
    super(`The connection to debugpy ended before "${command}" was answered.`);
    this.name = 'ConnectionClosed';
  }
}

/** The readable text of a failed response. */
export function errorText(response: DebugProtocol.Response): string {
  const error = (response.body as { error?: DebugProtocol.Message } | undefined)?.error;
  if (!error?.format) return response.message ?? `"${response.command}" failed.`;
  return error.format.replace(/\{([^}]+)\}/g, (whole, key: string) => error.variables?.[key] ?? whole);
}

/** A failed response to `request`, as debugpy would write it. */
export function errorResponse(request: DebugProtocol.Request, error: unknown): DebugProtocol.Response {
  if (error instanceof RequestFailed) return { ...error.response, request_seq: request.seq, command: request.command };
  const message = error instanceof Error ? error.message : String(error);
  const response: DebugProtocol.Response = {
    seq: 0,
    type: 'response',
    request_seq: request.seq,
    success: false,
    command: request.command,
    message,
  };
  if (error instanceof UserError) {
    response.body = { error: { id: ERROR_IDS[error.code], format: escapeFormat(message), showUser: true } };
  }
  return response;
}

/** A successful response to `request`. */
export function successResponse(request: DebugProtocol.Request, body?: unknown): DebugProtocol.Response {
  const response: DebugProtocol.Response = { seq: 0, type: 'response', request_seq: request.seq, success: true, command: request.command };
  if (body !== undefined) response.body = body;
  return response;
}

/** DAP formats replace `{name}`; a literal brace (JSON in a message) must not be taken for one. */
function escapeFormat(text: string): string {
  return text.replace(/[{}]/g, (brace) => (brace === '{' ? '(' : ')'));
}
