import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ticker } from '../../../src/shared/ticker';

describe('Ticker', () => {
  function ticking(gapMs: number, idleMs: number) {
    const times: number[] = [];
    const ticker = new Ticker(() => times.push(performance.now()), gapMs, idleMs);
    return { ticker, times };
  }

  it('ticks soon after it is woken', async () => {
    const { ticker, times } = ticking(20, 10_000);
    ticker.start();
    await sleep(60);
    const before = times.length;
    const woken = performance.now();
    ticker.wake();
    while (times.length === before) await sleep(1);
    ticker.stop();
    assert.ok(times.at(-1)! - woken < 1_000, 'long before it would have ticked by itself');
  });

  it('keeps the gap however often it is woken', async () => {
    const { ticker, times } = ticking(50, 10_000);
    ticker.start();
    const end = performance.now() + 300;
    while (performance.now() < end) {
      ticker.wake();
      await sleep(1);
    }
    ticker.stop();
    assert.ok(times.length >= 2);
    for (const [index, time] of times.entries()) if (index > 0) assert.ok(time - times[index - 1]! >= 48);
  });

  it('ticks by itself now and then, and not once it is stopped', async () => {
    const { ticker, times } = ticking(5, 20);
    ticker.start();
    while (times.length < 3) await sleep(5);
    ticker.stop();
    const count = times.length;
    ticker.wake();
    await sleep(60);
    assert.equal(times.length, count);
  });
});
