import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { breakAt, ended, fileIn, live, marker, output, reset, start, stopped, topFrame } from './support';

describe('debugging', () => {
  afterEach(reset);

  it('stops at a breakpoint, shows and changes variables, evaluates, continues, ends', async () => {
    breakAt('fetch.py', 'bp');
    const entry = await start({ program: fileIn('fetch.py') });
    const { body } = await stopped(entry);
    assert.equal(body.reason, 'breakpoint');
    const frame = await topFrame(entry, body.threadId!);
    assert.equal(frame.name, 'fetch');
    assert.equal(frame.line, marker('fetch.py', 'bp'));
    const { scopes } = await entry.session.customRequest('scopes', { frameId: frame.id });
    const locals = scopes[0].variablesReference;
    const { variables } = await entry.session.customRequest('variables', { variablesReference: locals });
    const names = variables.map((variable: { name: string }) => variable.name);
    assert.ok(names.includes('parts') && names.includes('delay'), names.join());
    await entry.session.customRequest('setVariable', { variablesReference: locals, name: 'parts', value: "['changed']" });
    const { result } = await entry.session.customRequest('evaluate', { expression: 'parts', frameId: frame.id, context: 'watch' });
    assert.equal(result, "['changed']");
    await entry.session.customRequest('continue', { threadId: body.threadId });
    await stopped(entry, 2);
    await vscode.commands.executeCommand('workbench.action.debug.continue');
    await ended(entry);
    assert.match(output(entry), /changed\n/);
    assert.match(output(entry), /fetched/);
  });

  it('keeps conditions, hit counts and log points', async () => {
    breakAt('fetch.py', 'waits', { logMessage: 'going to wait {delay}' });
    breakAt('fetch.py', 'bp', { condition: "parts[0] == 'second'" });
    const entry = await start({ program: fileIn('fetch.py') });
    const { body } = await stopped(entry);
    const frame = await topFrame(entry, body.threadId!);
    const { result } = await entry.session.customRequest('evaluate', { expression: 'parts', frameId: frame.id });
    assert.equal(result, "['second', 'done']");
    assert.match(output(entry), /going to wait 0.05/);
    assert.match(output(entry), /going to wait 0.3/);
  });

  it('shows the tasks beside the real threads at a stop', async () => {
    breakAt('fetch.py', 'bp');
    const entry = await start({ program: fileIn('fetch.py') });
    await live(entry);
    await stopped(entry);
    const { threads } = await entry.session.customRequest('threads');
    const names = threads.map((thread: { name: string }) => thread.name).join('\n');
    assert.match(names, /second/);
  });

  it('works without the probe when the configuration says so', async () => {
    const entry = await start({ program: fileIn('fetch.py'), asyncHealth: { probe: false } });
    await ended(entry);
    assert.match(output(entry), /fetched/);
  });
});
