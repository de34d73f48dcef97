import assert from 'node:assert/strict';
import type { Finding } from '../../../src/shared/findings';
import { findingText, groupIncidents } from '../../../webview/data/incidents';

const finding = (id: number, incident: number, more: Partial<Finding> = {}): Finding => ({
  id,
  code: 'leaked-scope',
  severity: 'warning',
  message: `finding ${id}`,
  advice: '',
  related: [],
  incident,
  count: 1,
  firstSeenMs: id,
  lastSeenMs: id,
  resolved: false,
  ...more,
});

describe('panel: findings as incidents', () => {
  it('puts the root first and its symptoms in order of time, whatever the order they come in', () => {
    const [one, two] = groupIncidents([finding(3, 1), finding(2, 1, { severity: 'error', count: 5 }), finding(1, 1), finding(4, 4)]);
    assert.equal(one?.root.id, 1);
    assert.deepEqual(
      one?.symptoms.map((f) => f.id),
      [2, 3],
    );
    assert.equal(one?.severity, 'error');
    assert.equal(one?.count, 7);
    assert.equal(one?.complete, true);
    assert.equal(two?.root.id, 4);
    assert.deepEqual(two?.symptoms, []);
  });

  it('says when the root is not in view', () => {
    const [incident] = groupIncidents([finding(2, 1), finding(3, 1)]);
    assert.equal(incident?.complete, false);
    assert.equal(incident?.id, 1);
    assert.equal(incident?.root.id, 2);
  });

  it('copies as text with both places, tasks, stacks and the fix', () => {
    const text = findingText(
      finding(1, 1, {
        severity: 'error',
        code: 'cross-task-exit',
        message: 'Left by another task.',
        advice: 'One task owns it.',
        task: { id: 5, name: 'worker' },
        location: { file: '/app/client.py', line: 41, function: '__aexit__' },
        stack: [
          { file: '/app/client.py', line: 41, function: '__aexit__' },
          { file: '/app/main.py', line: 9, function: 'main' },
        ],
        related: [{ label: 'entered here', file: '/app/client.py', line: 30, function: '__aenter__', task: { id: 1, name: 'main' } }],
        count: 3,
      }),
    );
    assert.equal(
      text,
      [
        'error: Left by another task. [cross-task-exit]',
        '  at /app/client.py:41 in __aexit__ (task worker)',
        '     /app/main.py:9 in main',
        '  entered here: /app/client.py:30 in __aenter__ (task main)',
        '  fix: One task owns it.',
        '  seen 3 times',
      ].join('\n'),
    );
  });
});
