/** Which Python, and which debugpy: what only VS Code's other extensions can tell. The adapter looks further (`.venv`, PATH, bundled debugpy). */
import type { PythonExtension } from '@vscode/python-extension';
import * as vscode from 'vscode';
import type { Log } from '../adapter/log';

const PYTHON_EXTENSION = 'ms-python.python';
const DEBUGGER_EXTENSION = 'ms-python.debugpy';

/** How long another extension may take to activate or answer, ms, before we go on without it. */
const PATIENCE_MS = 5_000;

interface DebuggerApi {
  debug?: { getDebuggerPackagePath?(): Promise<string | undefined> };
}

/** The API of an extension, activated if need be; undefined when it is not installed or fails. */
async function apiOf<T>(id: string, log: Log): Promise<T | undefined> {
  const extension = vscode.extensions.getExtension<T>(id);
  if (!extension) return undefined;
  try {
    return await patiently(Promise.resolve(extension.activate()), `activation of ${id}`);
  } catch (error) {
    log.warn(`${id} is installed but could not be asked: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

/** The interpreter that is selected in the Python extension for this folder. */
export async function selectedInterpreter(folder: vscode.WorkspaceFolder | undefined, log: Log): Promise<string | undefined> {
  const api = await apiOf<PythonExtension>(PYTHON_EXTENSION, log);
  if (!api?.environments) return undefined;
  try {
    const active = api.environments.getActiveEnvironmentPath(folder);
    const environment = await patiently(api.environments.resolveEnvironment(active), 'resolving the selected environment');
    const path = environment?.executable.uri?.fsPath;
    if (path) return path;
    // The path alone may name an interpreter, or an environment folder without one.
    log.warn(`The Python extension's selected environment (${active.path}) has no interpreter`);
  } catch (error) {
    log.warn(`The Python extension could not tell the interpreter: ${error instanceof Error ? error.message : error}`);
  }
  return undefined;
}

/** The debugpy that comes with the Python Debugger extension. */
export async function installedDebugpy(log: Log): Promise<string | undefined> {
  for (const id of [DEBUGGER_EXTENSION, PYTHON_EXTENSION]) {
    const api = await apiOf<DebuggerApi>(id, log);
    try {
      const path = await patiently(Promise.resolve(api?.debug?.getDebuggerPackagePath?.()), `${id}'s debugger path`);
      if (path) return path;
    } catch (error) {
      log.warn(`${id} could not tell its debugpy: ${error instanceof Error ? error.message : error}`);
    }
  }
  return undefined;
}

/** Lets the user choose an interpreter, in the Python extension when it is there, else as a setting of the launch configuration. */
export async function selectInterpreter(): Promise<void> {
  // By the extension, not by the list of commands: one that is not activated yet has not registered any.
  if (vscode.extensions.getExtension(PYTHON_EXTENSION)) await vscode.commands.executeCommand('python.setInterpreter');
  else await vscode.commands.executeCommand('workbench.action.debug.configure');
}

function patiently<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
