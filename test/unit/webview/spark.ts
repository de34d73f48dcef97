import assert from 'node:assert/strict';
import { niceCeiling, sparkPath } from '../../../webview/data/spark';
import { type Column, fitting } from '../../../webview/ui/column';

describe('panel: small charts', () => {
  it('rounds the top edge up to 1, 2 or 5 times a power of ten', () => {
    const cases: [number, number][] = [
      [0.3, 0.5],
      [1, 1],
      [1.01, 2],
      [4, 5],
      [51, 100],
      [100, 100],
      [212, 500],
      [0, 1],
      [-4, 1],
      [Number.NaN, 1],
    ];
    for (const [value, top] of cases) assert.ok(Math.abs(niceCeiling(value) - top) < 1e-9, `${value} gives ${niceCeiling(value)}`);
  });

  it('fills from the right and keeps the last samples', () => {
    const { line, area, max } = sparkPath([0, 5, 10], 100, 40, 5, 0);
    assert.equal(max, 10);
    assert.equal(line, 'M50.0 40.0L75.0 20.0L100.0 0.0');
    assert.equal(area, `${line}V40H50.0Z`);
    assert.equal(sparkPath([9, 9, 9, 1, 2], 100, 40, 2).line, 'M0.0 20.0L100.0 0.0');
  });

  it('does not let noise near zero look like a mountain', () => {
    assert.equal(sparkPath([0.1, 0.2], 100, 40, 2, 10).max, 10);
  });

  it('draws nothing for nothing and survives what is not a number', () => {
    assert.equal(sparkPath([], 100, 40, 10).line, '');
    assert.doesNotMatch(sparkPath([Number.NaN, Number.POSITIVE_INFINITY, 3], 100, 40, 10).line, /NaN|Infinity/);
  });
});

describe('panel: columns', () => {
  it('shows those that fit the width', () => {
    const column = (key: string, from?: number): Column<unknown> => ({ key, label: key, width: '1fr', from, cell: () => '' });
    const columns = [column('name'), column('age', 600), column('created', 1000)];
    const keys = (width: number) => fitting(columns, width).map((one) => one.key);
    assert.deepEqual(keys(300), ['name']);
    assert.deepEqual(keys(600), ['name', 'age']);
    assert.deepEqual(keys(1200), ['name', 'age', 'created']);
  });
});
