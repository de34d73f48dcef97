// Debug type `debugpy` over the real debugpy adapter, and the exported API that tells where debugpy lies.
const { execFileSync } = require('node:child_process');
const vscode = require('vscode');

const python = () => process.env.ASYNC_HEALTH_PYTHON || 'python3';

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.debug.registerDebugAdapterDescriptorFactory('debugpy', {
      createDebugAdapterDescriptor(session) {
        const { connect } = session.configuration;
        if (connect) return new vscode.DebugAdapterServer(connect.port, connect.host);
        return new vscode.DebugAdapterExecutable(python(), ['-m', 'debugpy.adapter']);
      },
    }),
  );
  const path = execFileSync(python(), ['-c', 'import debugpy, os; print(os.path.dirname(debugpy.__file__))'], { encoding: 'utf8' }).trim();
  return { debug: { getDebuggerPackagePath: async () => path } };
};
