// The part of the Python extension's exported API that @vscode/python-extension describes and that our extension uses.
const vscode = require('vscode');

function interpreter() {
  return vscode.workspace.getConfiguration('standin').get('interpreter') || process.env.ASYNC_HEALTH_PYTHON || 'python3';
}

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand('python.setInterpreter', () => vscode.window.showInformationMessage('Stand-in: select interpreter')),
  );
  return {
    ready: Promise.resolve(),
    debug: { getDebuggerPackagePath: async () => undefined },
    environments: {
      getActiveEnvironmentPath: () => ({ id: 'standin', path: interpreter() }),
      resolveEnvironment: async ({ path }) => ({
        id: 'standin',
        path,
        executable: { uri: path === 'none' ? undefined : vscode.Uri.file(path), bitness: '64-bit', sysPrefix: '' },
        environment: undefined,
        version: undefined,
        tools: [],
      }),
    },
  };
};
