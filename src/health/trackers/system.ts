import type { SystemRow } from '../../shared/rows';
import type { SystemSample } from '../../shared/wire';
import { BoundedQueue } from '../core/collections';
import { round } from './tasks';

/** Samples kept; there is one a second. */
const KEPT = 120;

interface TimedSample {
  atMs: number;
  sample: SystemSample;
}

/** CPU, memory, threads, file descriptors, collector pauses: the newest sample and the peaks. */
export class SystemMonitor {
  latest: SystemSample | undefined = undefined;
  private peakRss = 0;
  private peakCpu = 0;
  private peakThreads = 0;
  private peakFds = -1;
  private samples = 0;
  private cpuSum = 0;
  private readonly recent = new BoundedQueue<TimedSample>(KEPT);

  sample(sample: SystemSample, nowMs: number): void {
    this.recent.push({ atMs: nowMs, sample });
    this.latest = sample;
    this.samples++;
    this.cpuSum += sample.cpu;
    this.peakRss = Math.max(this.peakRss, sample.rss);
    this.peakCpu = Math.max(this.peakCpu, sample.cpu);
    this.peakThreads = Math.max(this.peakThreads, sample.threads);
    this.peakFds = Math.max(this.peakFds, sample.fds);
  }

  row(): SystemRow | undefined {
    const { latest } = this;
    if (latest === undefined) return undefined;
    return {
      cpu: latest.cpu,
      rssBytes: latest.rss,
      threads: latest.threads,
      fds: latest.fds,
      gcPauseMs: round((latest.gc?.pauseNs ?? 0) / 1e6),
    };
  }

  /** The last two minutes, oldest first. */
  recentSamples(): Record<string, number>[] {
    return [...this.recent].map(({ atMs, sample }) => ({
      at_ms: round(atMs),
      cpu: round(sample.cpu),
      rss_bytes: sample.rss,
      threads: sample.threads,
      fds: sample.fds,
      gc_pause_ms: round((sample.gc?.pauseNs ?? 0) / 1e6),
    }));
  }

  statistics(): Record<string, unknown> {
    const { latest } = this;
    return {
      samples: this.samples,
      mean_cpu: this.samples === 0 ? 0 : round(this.cpuSum / this.samples),
      peak_cpu: round(this.peakCpu),
      rss_bytes: latest?.rss ?? 0,
      peak_rss_bytes: this.peakRss,
      threads: latest?.threads ?? 0,
      peak_threads: this.peakThreads,
      fds: latest?.fds ?? -1,
      peak_fds: this.peakFds,
      gc_collections: latest?.gc?.collections ?? 0,
      gc_pause_ms: round((latest?.gc?.pauseNs ?? 0) / 1e6),
      gc_longest_pause_ms: round((latest?.gc?.longestNs ?? 0) / 1e6),
      probe_cpu_ms: round((latest?.probeNs ?? 0) / 1e6),
    };
  }
}
