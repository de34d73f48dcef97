import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { ended, extension, fileIn, finding, live, marker, reset, start, until } from './support';

const uri = (name: string) => vscode.Uri.file(fileIn(name));
const ours = (name: string) => vscode.languages.getDiagnostics(uri(name)).filter(({ source }) => source === 'Async Health');

describe('findings in the editor', () => {
  afterEach(reset);

  it('appear while the program runs, with both places', async () => {
    const entry = await start({ program: fileIn('cross_task.py') });
    const found = await finding(entry, 'cross-task-exit');
    assert.equal(found.severity, 'error');
    assert.equal(found.location?.line, marker('cross_task.py', 'left'));
    assert.ok(
      found.related.some(({ line }) => line === marker('cross_task.py', 'entered')),
      JSON.stringify(found.related),
    );
    // On a busy machine the loop may be told to be blocked as well.
    const diagnostic = await until('the squiggle', () => ours('cross_task.py').find(({ code }) => code === 'cross-task-exit'));
    assert.equal(diagnostic.severity, vscode.DiagnosticSeverity.Error);
    assert.equal(diagnostic.range.start.line + 1, marker('cross_task.py', 'left'));
    const related = diagnostic.relatedInformation ?? [];
    assert.ok(related.some(({ location }) => location.range.start.line + 1 === marker('cross_task.py', 'entered')));
  });

  it('stay after the end, and go when the file is edited', async () => {
    const entry = await start({ program: fileIn('cross_task.py') });
    await finding(entry, 'cross-task-exit');
    await until('the squiggle', () => ours('cross_task.py').length > 0);
    await vscode.debug.stopDebugging(entry.session);
    await ended(entry);
    assert.ok(ours('cross_task.py').length > 0);
    const editor = await vscode.window.showTextDocument(uri('cross_task.py'));
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# changed\n'));
    await until('no squiggle', () => ours('cross_task.py').length === 0);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  });

  it('go when the user clears what has ended', async () => {
    const entry = await start({ program: fileIn('cross_task.py') });
    await finding(entry, 'cross-task-exit');
    await until('the squiggle', () => ours('cross_task.py').length > 0);
    await vscode.debug.stopDebugging(entry.session);
    await ended(entry);
    await vscode.commands.executeCommand('asyncHealth.clearEnded');
    await until('no squiggle', () => ours('cross_task.py').length === 0);
  });

  it('can be switched off in Problems', async () => {
    const settings = vscode.workspace.getConfiguration('asyncHealth');
    const entry = await start({ program: fileIn('cross_task.py') });
    await finding(entry, 'cross-task-exit');
    await until('the squiggle', () => ours('cross_task.py').length > 0);
    await settings.update('showProblems', false, vscode.ConfigurationTarget.Workspace);
    await until('no squiggle', () => ours('cross_task.py').length === 0);
    await settings.update('showProblems', undefined, vscode.ConfigurationTarget.Workspace);
    await until('the squiggle again', () => ours('cross_task.py').length > 0);
  });

  it('none at a healthy program', async () => {
    const entry = await start({ program: fileIn('fetch.py') });
    const health = await live(entry);
    await ended(entry);
    assert.deepEqual(
      health.findings().filter(({ severity }) => severity !== 'info'),
      [],
    );
    assert.deepEqual(ours('fetch.py'), []);
  });

  it('are in the recording, which replays', async () => {
    const entry = await start({ program: fileIn('cross_task.py') });
    const health = await live(entry);
    await finding(entry, 'cross-task-exit');
    const target = fileIn('saved.jsonl');
    await health.recording!.copyTo(target);
    const lines = readFileSync(target, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(lines[0].type, 'batch');
    assert.ok(
      lines.some((batch) => batch.hello),
      'the recording begins with the probe’s hello',
    );
    const { decodeBatch } = await import('../../src/shared/batch');
    const { HealthModel } = await import('../../src/health');
    const model = new HealthModel();
    for (const line of lines) model.ingest(decodeBatch(line));
    assert.ok(model.findings().some(({ code }) => code === 'cross-task-exit'));
  });

  it('are all in the registry of the API', async () => {
    const entry = await start({ program: fileIn('cross_task.py') });
    const found = await finding(entry, 'cross-task-exit');
    const { registry } = await extension();
    assert.equal(registry.selected?.id, entry.session.id);
    assert.ok(registry.selected?.findings().some(({ id }) => id === found.id));
  });
});
