import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import * as vscode from 'vscode';
import {
  breakAt,
  ended,
  extension,
  fileIn,
  folder,
  live,
  nextSession,
  output,
  processOf,
  python,
  reset,
  sessionCount,
  start,
  stopped,
  track,
  until,
} from './support';

const settings = (section: string) => vscode.workspace.getConfiguration(section);

describe('configurations', () => {
  afterEach(async () => {
    await settings('standin').update('interpreter', undefined, vscode.ConfigurationTarget.Workspace);
    await reset();
  });

  it('debugs the active file when there is no launch.json', async () => {
    track();
    await vscode.window.showTextDocument(vscode.Uri.file(fileIn('quick.py')));
    const count = sessionCount();
    assert.ok(await vscode.debug.startDebugging(undefined, { type: 'python-async', name: '', request: '' }));
    const entry = await nextSession(count);
    assert.equal(entry.session.configuration.program, fileIn('quick.py'));
    assert.equal(entry.session.configuration.console, 'integratedTerminal');
    await ended(entry);
  });

  it('runs a file of tests by pytest, with the terminal in front', async () => {
    track();
    const file = fileIn('test_price.py');
    writeFileSync(file, 'def test_price():\n    assert 1 + 1 == 2\n');
    await vscode.window.showTextDocument(vscode.Uri.file(file));
    const count = sessionCount();
    assert.ok(await vscode.debug.startDebugging(folder(), { type: 'python-async', name: '', request: '' }));
    const entry = await nextSession(count);
    const { name, module, args, internalConsoleOptions } = entry.session.configuration;
    assert.deepEqual(
      { name, module, args, internalConsoleOptions },
      { name: 'Python: Async: test_price.py', module: 'pytest', args: [file], internalConsoleOptions: 'neverOpen' },
    );
    await ended(entry);
    assert.equal((await processOf(entry)).info().exitCode, 0);
  });

  it('serves an ASGI application by uvicorn, unless the file starts it by itself', async () => {
    track();
    await vscode.window.showTextDocument(vscode.Uri.file(fileIn('app.py')));
    const count = sessionCount();
    assert.ok(await vscode.debug.startDebugging(folder(), { type: 'python-async', name: '', request: '' }));
    const served = await nextSession(count);
    assert.deepEqual([served.session.configuration.module, served.session.configuration.args], ['uvicorn', ['app:application']]);
    await vscode.debug.stopDebugging(served.session);
    await ended(served);

    const file = fileIn('started.py');
    writeFileSync(file, 'def FastAPI():\n    return 1\n\n\napp = FastAPI()\nif __name__ == "__main__":\n    import os\n    os._exit(3)\n');
    await vscode.window.showTextDocument(vscode.Uri.file(file));
    assert.ok(await vscode.debug.startDebugging(folder(), { type: 'python-async', name: '', request: '' }));
    const started = await nextSession(count + 1);
    assert.equal(started.session.configuration.program, file);
    await ended(started);
    assert.equal((await processOf(started)).info().exitCode, 3);
  });

  it('takes the interpreter that is selected in the Python extension', async () => {
    const entry = await start({ program: fileIn('quick.py'), python: undefined });
    await ended(entry);
    const { log } = await extension();
    assert.ok(
      log().some((line) => line.includes(`python: ${python} (editor)`)),
      log().slice(-20).join('\n'),
    );
  });

  it('uses the debugpy of the Python Debugger extension', async () => {
    const entry = await start({ program: fileIn('quick.py') });
    await ended(entry);
    const { log } = await extension();
    assert.ok(
      log().some((line) => /debugpy: .*debugpy \(editor\)/.test(line)),
      log().slice(-20).join('\n'),
    );
  });

  it("prefers the configuration's own interpreter", async () => {
    await settings('standin').update('interpreter', '/nowhere/python', vscode.ConfigurationTarget.Workspace);
    const entry = await start({ program: fileIn('quick.py'), python });
    await ended(entry);
    assert.match(output(entry), /gone at once/);
  });

  it('offers configurations that fit the workspace', async () => {
    await vscode.window.showTextDocument(vscode.Uri.file(fileIn('app.py')));
    const extensions = vscode.extensions.getExtension('async-health.async-health');
    assert.ok(extensions?.isActive);
    // VS Code has no API to list dynamic configurations: they are read through the provider that its drop-down calls.
    const { configurationsFor } = await import('../../src/extension/configuration');
    const names = (await configurationsFor(vscode.workspace.workspaceFolders![0])).map(({ name }) => name);
    assert.ok(names.includes('Python: Async: uvicorn app:application'), names.join('\n'));
    assert.ok(names.includes('Python: Async: python -m package'), names.join('\n'));
  });

  it("merges envFile into the program's environment, below env", async () => {
    const envFile = fileIn('variables.env');
    writeFileSync(envFile, 'FROM_FILE="in file"\nBOTH=file\n');
    const entry = await start({ program: fileIn('environment.py'), args: ['FROM_FILE', 'BOTH'], envFile, env: { BOTH: 'configuration' } });
    await ended(entry);
    assert.match(output(entry), /FROM_FILE=in file\r?\nBOTH=configuration/);
  });

  for (const console of ['integratedTerminal', 'internalConsole']) {
    it(`runs in the ${console}, where the probe is in and stops work`, async () => {
      const terminals = vscode.window.terminals.length;
      breakAt('fetch.py', 'bp', { condition: "parts[0] == 'second'" });
      const entry = await start({ program: fileIn('fetch.py'), console });
      await live(entry);
      await stopped(entry);
      const { threads } = await entry.session.customRequest('threads');
      assert.match(threads.map(({ name }: { name: string }) => name).join('\n'), /Task-1 main/);
      const inTerminal = entry.sent.some((message) => (message as { command?: string }).command === 'runInTerminal');
      assert.equal(inTerminal, console === 'integratedTerminal');
      if (inTerminal)
        assert.ok(vscode.window.terminals.length > terminals || vscode.window.terminals.some(({ name }) => /Python/.test(name)));
      await vscode.commands.executeCommand('workbench.action.debug.continue');
      await ended(entry);
      for (const terminal of vscode.window.terminals) terminal.dispose();
    });
  }

  it('lays the settings under the configuration', async () => {
    await settings('asyncHealth').update('thresholds.blockedLoopMs', 77, vscode.ConfigurationTarget.Workspace);
    await settings('asyncHealth').update('detail', 'light', vscode.ConfigurationTarget.Workspace);
    try {
      const entry = await start({ program: fileIn('server.py'), asyncHealth: { detail: 'full' } });
      const { registry } = await extension();
      const process = await until('the process', () => registry.get(entry.session.id));
      await until('the start', () => process.state === 'running');
      assert.equal(process.source.health.thresholds.blockedLoopMs, 77);
      assert.equal(process.source.detail, 'full');
    } finally {
      await settings('asyncHealth').update('thresholds.blockedLoopMs', undefined, vscode.ConfigurationTarget.Workspace);
      await settings('asyncHealth').update('detail', undefined, vscode.ConfigurationTarget.Workspace);
    }
  });
});
