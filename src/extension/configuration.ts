/** Debug configurations: what F5 does without a launch.json, what the drop-down offers, and defaults that only VS Code knows. */
import * as vscode from 'vscode';
import type { Log } from '../adapter';
import { DEBUG_TYPE } from './settings';

const CURRENT_FILE: vscode.DebugConfiguration = {
  name: 'Python: Async: Current File',
  type: DEBUG_TYPE,
  request: 'launch',
  program: '${file}',
  console: 'integratedTerminal',
};

/** Bytes of a file that are looked at to tell what it is. */
const SNIFFED = 64 * 1024;

class ConfigurationProvider implements vscode.DebugConfigurationProvider {
  constructor(private readonly log: Log) {}

  provideDebugConfigurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    return configurationsFor(folder);
  }

  /** Before variables are replaced: an empty configuration is F5 without launch.json. */
  async resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (configuration.request || configuration.name) return configuration;
    const document = vscode.window.activeTextEditor?.document;
    if (document?.languageId !== 'python') {
      vscode.window
        .showErrorMessage('Open a Python file to debug it with Async Health, or create a launch.json.', 'Create launch.json')
        .then((choice) => {
          if (choice) vscode.commands.executeCommand('workbench.action.debug.configure');
        });
      return undefined;
    }
    const uri = await savedFile(document);
    return uri && configurationOf({ uri, text: document.getText() });
  }

  /** What concerns VS Code's own views; the rest is the adapter's work, so that other editors have it too. */
  resolveDebugConfigurationWithSubstitutedVariables(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration {
    this.log.info(`configuration "${configuration.name}": ${JSON.stringify(withoutSecrets(configuration))}`);
    // The program's output is in the terminal: the empty Debug Console must not come up in front of it.
    const inTerminal = configuration.request === 'launch' && configuration.console !== 'internalConsole';
    return inTerminal || configuration.subProcessId ? { internalConsoleOptions: 'neverOpen', ...configuration } : configuration;
  }
}

/** An unsaved buffer has no file that Python could run. */
async function savedFile(document: vscode.TextDocument): Promise<vscode.Uri | undefined> {
  if (!document.isUntitled) return document.uri;
  return vscode.workspace.save(document.uri);
}

/** Environment variables may hold passwords: the log names them only. */
function withoutSecrets(configuration: vscode.DebugConfiguration): Record<string, unknown> {
  if (!configuration.env) return configuration;
  return { ...configuration, env: Object.keys(configuration.env) };
}

/** A file that starts something by itself is run as it is. */
const STARTS_ITSELF = /^if\s+__name__\s*==/m;

interface PythonFile {
  uri: vscode.Uri;
  text: string;
}

const fileName = ({ uri }: PythonFile) => uri.path.split('/').pop()!;
const isTest = (file: PythonFile) => /^test_|_test\.py$/.test(fileName(file));

/** `package.module:name` of the ASGI application that the file makes. */
function applicationOf({ uri, text }: PythonFile): string | undefined {
  const name = /^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(?:FastAPI|Starlette|Quart|Litestar)\(/m.exec(text.slice(0, SNIFFED))?.[1];
  if (!name || !vscode.workspace.getWorkspaceFolder(uri)) return undefined;
  return `${vscode.workspace.asRelativePath(uri, false).replace(/\.py$/, '').replaceAll('/', '.')}:${name}`;
}

const LAUNCH = { type: DEBUG_TYPE, request: 'launch' };
const pytest = (name: string, file: string) => ({ ...LAUNCH, name, module: 'pytest', args: [file] });
const uvicorn = (application: string) => ({
  ...LAUNCH,
  name: `Python: Async: uvicorn ${application}`,
  module: 'uvicorn',
  args: [application],
});

/** How one file is debugged: tests by pytest, an ASGI application by uvicorn, all else as a program. */
function configurationOf(file: PythonFile): vscode.DebugConfiguration {
  const name = `Python: Async: ${fileName(file)}`;
  if (!STARTS_ITSELF.test(file.text)) {
    if (isTest(file)) return pytest(name, file.uri.fsPath);
    const application = applicationOf(file);
    if (application) return uvicorn(application);
  }
  return { ...CURRENT_FILE, name, program: file.uri.fsPath };
}

/** What fits the workspace: the current file, its tests, an ASGI application, a package that can be run. */
export async function configurationsFor(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
  const list: vscode.DebugConfiguration[] = [{ ...CURRENT_FILE }];
  const document = vscode.window.activeTextEditor?.document;
  if (document?.languageId === 'python' && !document.isUntitled) {
    const file = { uri: document.uri, text: document.getText() };
    if (isTest(file)) list.push(pytest('Python: Async: pytest on Current File', '${file}'));
    const application = folder && applicationOf(file);
    if (application) list.push(uvicorn(application));
  }
  if (folder) {
    const mains = await vscode.workspace.findFiles(
      new vscode.RelativePattern(folder, '{*,src/*}/__main__.py'),
      '**/{node_modules,.venv,venv}/**',
      5,
    );
    for (const main of mains) {
      const module = main.path.split('/').at(-2)!;
      list.push({ name: `Python: Async: python -m ${module}`, type: DEBUG_TYPE, request: 'launch', module });
    }
  }
  list.push({
    name: 'Python: Async: Attach to Port 5678',
    type: DEBUG_TYPE,
    request: 'attach',
    connect: { host: '127.0.0.1', port: 5678 },
  });
  list.push({ name: 'Python: Async: Attach to Process', type: DEBUG_TYPE, request: 'attach', processId: '${command:pickProcess}' });
  return list;
}

/** Debugs one file, whatever launch.json says; used by the editor's run button and the welcome view. */
export async function debugFile(uri?: vscode.Uri): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  let file = uri;
  if (!file && document?.languageId === 'python') file = await savedFile(document);
  if (!file) {
    const open = 'Open File…';
    if ((await vscode.window.showInformationMessage('Open the Python file that is to be debugged first.', open)) !== open) return;
    file = (await vscode.window.showOpenDialog({ filters: { Python: ['py', 'pyw'] } }))?.[0];
    if (!file) return;
    await vscode.window.showTextDocument(file);
  }
  const text = (await vscode.workspace.openTextDocument(file)).getText();
  await vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(file), configurationOf({ uri: file, text }));
}

export function registerConfiguration(context: vscode.ExtensionContext, log: Log): void {
  const provider = new ConfigurationProvider(log);
  const { Initial, Dynamic } = vscode.DebugConfigurationProviderTriggerKind;
  context.subscriptions.push(
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, provider, Initial),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, { provideDebugConfigurations: configurationsFor }, Dynamic),
  );
}
