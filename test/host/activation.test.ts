import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { DEFAULT_OPTIONS, DEFAULT_THRESHOLDS } from '../../src/shared/settings';
import { extension } from './support';

interface Manifest {
  contributes: {
    commands: { command: string }[];
    configuration: { properties: Record<string, { default?: unknown; type?: unknown }> };
    debuggers: {
      type: string;
      configurationAttributes: Record<string, { properties: Record<string, { description?: string; markdownDescription?: string }> }>;
    }[];
  };
}

/** From the file: VS Code's own copy has attributes that other extensions add to every debug type. */
function manifest(): Manifest {
  const { extensionPath } = vscode.extensions.getExtension('async-health.async-health')!;
  return JSON.parse(readFileSync(join(extensionPath, 'package.json'), 'utf8'));
}

describe('activation', () => {
  it('gives its API and says in the log what runs', async () => {
    const api = await extension();
    assert.ok(api.log().some((line) => /Async Health \d+\.\d+\.\d+ on VS Code/.test(line)));
  });

  it('registers every command that package.json announces', async () => {
    await extension();
    const known = new Set(await vscode.commands.getCommands(true));
    const missing = manifest().contributes.commands.filter(({ command }) => !known.has(command));
    assert.deepEqual(missing, []);
  });

  it('has the same defaults in the settings as in the code', () => {
    const settings = vscode.workspace.getConfiguration('asyncHealth');
    for (const [key, value] of Object.entries(DEFAULT_OPTIONS)) {
      if (key !== 'thresholds') assert.deepEqual(settings.inspect(key)?.defaultValue, value, key);
    }
    for (const [key, value] of Object.entries(DEFAULT_THRESHOLDS)) {
      assert.equal(settings.inspect(`thresholds.${key}`)?.defaultValue, value, key);
    }
  });

  it('describes every launch and attach attribute', () => {
    const { configurationAttributes } = manifest().contributes.debuggers[0]!;
    for (const [request, { properties }] of Object.entries(configurationAttributes)) {
      for (const [name, schema] of Object.entries(properties))
        assert.ok(schema.markdownDescription ?? schema.description, `${request}.${name}`);
    }
  });

  it("has all attributes that the Python Debugger's users have", () => {
    const { launch, attach } = manifest().contributes.debuggers[0]!.configurationAttributes as Record<string, { properties: object }>;
    const wanted = {
      launch:
        'args autoReload breakOnSystemExit console cwd debugAdapterPath autoStartBrowser django env envFile gevent jinja justMyCode logToFile module pathMappings program code purpose pyramid python pythonArgs redirectOutput showReturnValue stopOnEntry subProcess sudo guiEventLoop consoleName',
      attach:
        'autoReload breakOnSystemExit connect debugAdapterPath django jinja justMyCode listen logToFile pathMappings processId redirectOutput showReturnValue subProcess',
    };
    for (const name of wanted.launch.split(' ')) assert.ok(name in launch!.properties, `launch.${name}`);
    for (const name of wanted.attach.split(' ')) assert.ok(name in attach!.properties, `attach.${name}`);
  });
});
