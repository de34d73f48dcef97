import assert from 'node:assert/strict';
import { drawnRows, scrollToShow, visibleRows, wantedWindow } from '../../../webview/data/viewport';

describe('panel: virtual scrolling', () => {
  it('finds the visible rows, partly visible ones included', () => {
    assert.deepEqual(visibleRows(0, 220, 22, 1000), { first: 0, end: 10 });
    assert.deepEqual(visibleRows(11, 220, 22, 1000), { first: 0, end: 11 });
    assert.deepEqual(visibleRows(22 * 995, 220, 22, 1000), { first: 995, end: 1000 });
    assert.deepEqual(visibleRows(0, 220, 22, 3), { first: 0, end: 3 });
    assert.deepEqual(visibleRows(0, 220, 22, 0), { first: 0, end: 0 });
  });

  it('survives a scroll position beyond a list that shrank', () => {
    const range = visibleRows(1e6, 220, 22, 10);
    assert.ok(range.first >= 0 && range.first <= 10 && range.end <= 10 && range.end >= range.first);
  });

  it('draws a few rows more than visible, within the list', () => {
    assert.deepEqual(drawnRows({ first: 2, end: 12 }, 15, 8), { first: 0, end: 15 });
    assert.deepEqual(drawnRows({ first: 100, end: 130 }, 1000, 8), { first: 92, end: 138 });
  });

  it('asks for a window that covers every step of a scroll, rarely', () => {
    const total = 100_000;
    let asked: { offset: number; limit: number } | undefined;
    let requests = 0;
    for (let first = 0; first < 3000; first += 3) {
      const visible = { first, end: first + 40 };
      const wanted = wantedWindow(visible, total, asked);
      if (wanted) {
        asked = wanted;
        requests++;
      }
      assert.ok(asked && asked.offset <= visible.first && asked.offset + asked.limit >= visible.end, `row ${first} is not covered`);
    }
    assert.ok(requests < 120, `${requests} requests for 3,000 rows`);
    assert.ok(asked!.limit <= 200, 'the window stays a few screens');
  });

  it('scrolls back up as well, and asks for nothing when nothing moves', () => {
    const asked = wantedWindow({ first: 500, end: 540 }, 10_000, undefined)!;
    assert.equal(wantedWindow({ first: 500, end: 540 }, 10_000, asked), undefined);
    const up = wantedWindow({ first: 455, end: 495 }, 10_000, asked)!;
    assert.ok(up.offset < asked.offset && up.offset <= 455);
  });

  it('asks for nothing at the ends of the list', () => {
    const start = wantedWindow({ first: 0, end: 30 }, 30, undefined)!;
    assert.equal(start.offset, 0);
    assert.equal(wantedWindow({ first: 0, end: 30 }, 30, start), undefined);
    const end = wantedWindow({ first: 960, end: 1000 }, 1000, undefined)!;
    assert.ok(end.offset + end.limit >= 1000);
    assert.equal(wantedWindow({ first: 960, end: 1000 }, 1000, end), undefined);
  });

  it('shrinks a window that became far too large', () => {
    const wanted = wantedWindow({ first: 0, end: 20 }, 10_000, { offset: 0, limit: 5000 });
    assert.ok(wanted && wanted.limit < 200);
  });

  it('scrolls as little as needed to show a row', () => {
    assert.equal(scrollToShow(5, 0, 220, 22), 0);
    assert.equal(scrollToShow(10, 0, 220, 22), 22);
    assert.equal(scrollToShow(3, 220, 220, 22), 66);
    assert.equal(scrollToShow(100, 0, 220, 22, true), 100 * 22 - 99);
  });
});
