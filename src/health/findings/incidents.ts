import type { Finding, FindingCode } from '../../shared/findings';

/**
 * One mistake shows in many ways: a scope left by the wrong task stays half open, its cancellation spins, exceptions follow.
 * Within a family, a finding with a lower rank is the cause of one with a higher rank when they are about the same thing.
 */
const SCOPES: Partial<Record<FindingCode, number>> = {
  'abandoned-generator': 0,
  'scope-outlives-task': 0,
  'cross-task-exit': 1,
  'out-of-order-exit': 1,
  'foreign-cancel': 2,
  'yield-in-scope': 2,
  'leaked-scope': 3,
  'swallowed-cancellation': 3,
  'cancel-spin': 4,
  'orphaned-task': 5,
  'stuck-task': 5,
  'exception-never-retrieved': 6,
};

const LOCKS: Partial<Record<FindingCode, number>> = {
  'wrong-loop': 0,
  'lock-reentry': 1,
  'lock-abandoned': 1,
  'lock-deadlock': 1,
  'queue-stuck': 2,
  'lock-timeout': 3,
  'stuck-task': 4,
  'orphaned-task': 5,
  'exception-never-retrieved': 6,
};

const FAMILIES = [SCOPES, LOCKS];

/** Lower is nearer to the cause; undefined: of different families. */
export function rankOf(code: FindingCode): number {
  return Math.min(...FAMILIES.map((family) => family[code] ?? Number.POSITIVE_INFINITY), 99);
}

function related(a: FindingCode, b: FindingCode): boolean {
  return FAMILIES.some((family) => family[a] !== undefined && family[b] !== undefined);
}

/** Findings by incident. Only what the store holds; bounded with it. */
export class Incidents {
  private readonly members = new Map<number, Finding[]>();

  add(finding: Finding): void {
    this.members.set(finding.incident, [finding]);
  }

  remove(finding: Finding): void {
    const all = this.members.get(finding.incident);
    if (all === undefined) return;
    const at = all.indexOf(finding);
    if (at >= 0) all.splice(at, 1);
    if (finding.id !== finding.incident && all.length > 0) return;
    this.members.delete(finding.incident);
    if (all.length === 0) return;
    // The root is gone: the next best takes its place.
    const root = all.reduce((best, other) => (rankOf(other.code) < rankOf(best.code) ? other : best));
    for (const other of all) other.incident = root.id;
    this.members.set(root.id, all);
  }

  /**
   * Joins two findings about the same thing when one can be the other's cause. Two that differ only in the task that they
   * name need different ranks: two leaked scopes of one task are two mistakes. Returns those whose incident changed.
   */
  join(a: Finding, b: Finding): Finding[] {
    if (a.incident === b.incident || a.code === b.code || !related(a.code, b.code)) return [];
    if (rankOf(a.code) === rankOf(b.code)) return [];
    const first = this.members.get(a.incident);
    const second = this.members.get(b.incident);
    if (first === undefined || second === undefined) return [];
    const all = [...first, ...second];
    const root = all.reduce((best, finding) => {
      const difference = rankOf(finding.code) - rankOf(best.code);
      return difference < 0 || (difference === 0 && finding.id < best.id) ? finding : best;
    });
    this.members.delete(a.incident);
    this.members.delete(b.incident);
    const changed = all.filter((finding) => finding.incident !== root.id);
    for (const finding of changed) finding.incident = root.id;
    this.members.set(root.id, all);
    return changed;
  }

  of(incident: number): readonly Finding[] {
    return this.members.get(incident) ?? [];
  }

  get count(): number {
    return this.members.size;
  }
}

const SEVERITY_ORDER = { error: 0, warning: 1, info: 2 } as const;

/** Incidents by weight, each root first and its symptoms behind it. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const roots = new Map<number, { weight: number; first: number }>();
  for (const finding of findings) {
    const weight = SEVERITY_ORDER[finding.severity];
    const known = roots.get(finding.incident);
    if (known === undefined) roots.set(finding.incident, { weight, first: finding.firstSeenMs });
    else {
      known.weight = Math.min(known.weight, weight);
      known.first = Math.min(known.first, finding.firstSeenMs);
    }
  }
  return findings.slice().sort((a, b) => {
    if (a.incident !== b.incident) {
      const x = roots.get(a.incident)!;
      const y = roots.get(b.incident)!;
      return x.weight - y.weight || x.first - y.first || a.incident - b.incident;
    }
    if (a.id === a.incident) return -1;
    if (b.id === b.incident) return 1;
    return rankOf(a.code) - rankOf(b.code) || a.id - b.id;
  });
}
