import assert from 'node:assert/strict';
import {
  baseName,
  formatBytes,
  formatCount,
  formatMs,
  formatPercent,
  formatShort,
  NONE,
  placeText,
  placeTitle,
  plural,
  stackText,
} from '../../../webview/data/format';

describe('panel: numbers and places as text', () => {
  it('gives times three digits at most and the unit that fits', () => {
    const cases: [number | undefined, string][] = [
      [0, '0 ms'],
      [0.004, '0.00 ms'],
      [0.42, '0.42 ms'],
      [0.996, '1.0 ms'],
      [4.25, '4.3 ms'],
      [9.96, '10 ms'],
      [420.4, '420 ms'],
      [999.6, '1.0 s'],
      [4_240, '4.2 s'],
      [9_960, '10 s'],
      [42_400, '42 s'],
      [59_600, '1 m 00 s'],
      [245_000, '4 m 05 s'],
      [3_599_900, '1 h 00 m'],
      [11_040_000, '3 h 04 m'],
      [183_600_000, '2 d 03 h'],
      [-1_500, '−1.5 s'],
      [undefined, NONE],
      [Number.NaN, NONE],
      [Number.POSITIVE_INFINITY, NONE],
    ];
    for (const [ms, text] of cases) assert.equal(formatMs(ms), text, `${ms} ms`);
  });

  it('gives sizes in powers of 1024', () => {
    assert.equal(formatBytes(0), '0 B');
    assert.equal(formatBytes(812), '812 B');
    assert.equal(formatBytes(1000), '1.0 KB');
    assert.equal(formatBytes(4300), '4.2 KB');
    assert.equal(formatBytes(128 * 2 ** 20), '128 MB');
    assert.equal(formatBytes(1.3 * 2 ** 30), '1.3 GB');
    assert.equal(formatBytes(-2048), '−2.0 KB');
    assert.equal(formatBytes(undefined), NONE);
  });

  it('shortens counts without ever showing four digits', () => {
    assert.equal(formatCount(1234567), '1,234,567');
    for (const [n, text] of [
      [0, '0'],
      [999, '999'],
      [1000, '1k'],
      [1234, '1.2k'],
      [9999, '10k'],
      [999_700, '1M'],
      [12_800, '13k'],
      [3_400_000, '3.4M'],
      [-5, '−5'],
    ] as const) {
      assert.equal(formatShort(n), text, String(n));
    }
  });

  it('says 100 % and 0 % only when it is exactly that', () => {
    assert.equal(formatPercent(1), '100 %');
    assert.equal(formatPercent(0.9999), '99.9 %');
    assert.equal(formatPercent(0.968), '97 %');
    assert.equal(formatPercent(0.0001), '0.1 %');
    assert.equal(formatPercent(0), '0 %');
    assert.equal(formatPercent(2.5), '250 %');
    assert.equal(formatPercent(undefined), NONE);
  });

  it('names places by the last part of their path, on both kinds of system', () => {
    assert.equal(baseName('/app/shop/db.py'), 'db.py');
    assert.equal(baseName('C:\\app\\db.py'), 'db.py');
    assert.equal(baseName('<string>'), '<string>');
    assert.equal(baseName('/'), '/');
    const place = { file: '/app/db.py', line: 41, function: 'fetch' };
    assert.equal(placeText(place), 'db.py:41');
    assert.equal(placeTitle(place), '/app/db.py:41 in fetch');
    assert.equal(placeText(undefined), NONE);
    assert.equal(stackText([place, { ...place, function: '' }]), '  /app/db.py:41 in fetch\n  /app/db.py:41');
  });

  it('counts things', () => {
    assert.equal(plural(1, 'task'), '1 task');
    assert.equal(plural(0, 'task'), '0 tasks');
    assert.equal(plural(1200, 'entry', 'entries'), '1,200 entries');
  });
});
