/** Gives the adapter's errors a button with the next step. VS Code turns `url` of a DAP error into one, also for `command:` URIs. */
import type { DebugProtocol } from '@vscode/debugprotocol';

interface NextStep {
  url: string;
  urlLabel: string;
}

const SELECT_INTERPRETER: NextStep = { url: 'command:asyncHealth.selectInterpreter', urlLabel: 'Select Interpreter' };
const OPEN_CONFIGURATION: NextStep = { url: 'command:workbench.action.debug.configure', urlLabel: 'Open launch.json' };
const SHOW_LOG: NextStep = { url: 'command:asyncHealth.showLog', urlLabel: 'Show Log' };

/** By the DAP error ids of src/adapter/errors.ts. */
const STEPS: Record<number, NextStep> = {
  9001: SELECT_INTERPRETER,
  9002: SELECT_INTERPRETER,
  9003: SHOW_LOG,
  9004: OPEN_CONFIGURATION,
  9005: OPEN_CONFIGURATION,
  9006: OPEN_CONFIGURATION,
  9007: OPEN_CONFIGURATION,
  9008: SHOW_LOG,
  9009: SHOW_LOG,
};

export function withAction(message: DebugProtocol.ProtocolMessage): DebugProtocol.ProtocolMessage {
  if (message.type !== 'response') return message;
  const response = message as DebugProtocol.Response;
  if (response.success) return message;
  const error = (response.body as { error?: DebugProtocol.Message } | undefined)?.error;
  const step = error && STEPS[error.id];
  if (!step || error.url) return message;
  return { ...response, body: { ...response.body, error: { ...error, ...step } } } as DebugProtocol.Response;
}
