import type { Finding } from '../../shared/findings';
import type { Session } from '../core/entities';
import type { Environment } from '../core/environment';
import { at, called, Detector, duration, type Evidence, type World } from './detector';

interface Unclosed {
  session: Session;
  how: 'collected' | 'creator-ended' | 'program-ended' | 'slot-idle';
  idleNs: number;
}

/** The creator ended this long ago and it is still open, ns. */
const CREATOR_GRACE_NS = 1e9;

/**
 * A client is dropped, or left behind, while it is open. Warning when it was dropped or the program ended; info while the
 * creator has merely ended (a start-up task may open what the application uses); warning for a pool that is used up by nobody.
 */
export class UnclosedSession extends Detector<Unclosed> {
  readonly code = 'unclosed-session';
  private readonly ownerless = new Map<Session, { sinceNs: number; finding: Finding | undefined }>();
  private readonly exhausted = new Map<Session, Finding | undefined>();

  constructor(world: World) {
    super(world);
    const { signals } = world.context;
    signals.sessionLost.on((session) => {
      this.forget(session);
      this.raise(this.check(session, 'collected'));
    });
    signals.sessionClose.on((session) => this.forget(session));
    signals.taskEnd.on((task) => {
      if (!task.opened) return;
      // Linear in the open sessions, but only for tasks that opened one.
      for (const session of world.sessions.openOnes()) {
        if (session.opener === task && this.ownerless.size < 10_000)
          this.ownerless.set(session, { sinceNs: this.nowNs, finding: undefined });
      }
    });
    signals.sessionPool.on((session) => {
      const pool = session.pool;
      if (pool !== undefined && pool.waiting > 0 && pool.inUse >= pool.size) {
        if (!this.exhausted.has(session)) this.exhausted.set(session, undefined);
      } else {
        world.store.resolve(this.exhausted.get(session));
        this.exhausted.delete(session);
      }
    });
  }

  private forget(session: Session): void {
    this.world.store.resolve(this.ownerless.get(session)?.finding);
    this.ownerless.delete(session);
    this.exhausted.delete(session);
  }

  override look(nowNs: number): void {
    for (const [session, entry] of this.ownerless) {
      if (!session.open) this.ownerless.delete(session);
      else if (entry.finding === undefined && nowNs - entry.sinceNs >= CREATOR_GRACE_NS)
        entry.finding = this.raise(this.check(session, 'creator-ended'));
    }
    const limitNs = this.world.context.thresholds.lockWaitMs * 1e6;
    for (const [session, finding] of this.exhausted) {
      if (finding !== undefined || session.running > 0 || session.pool === undefined) continue;
      if (nowNs - Math.max(session.pool.sinceNs, session.lastOperationNs) >= limitNs)
        this.exhausted.set(session, this.raise(this.check(session, 'slot-idle')));
    }
  }

  override end(_nowNs: number, orderly: boolean): void {
    // A killed program closes nothing; that is not its mistake.
    if (!orderly) return;
    for (const session of this.world.sessions.openOnes()) this.raise(this.check(session, 'program-ended'));
  }

  check(session: Session, how: Unclosed['how']): Evidence<Unclosed> {
    return {
      severity: how === 'creator-ended' ? 'info' : 'warning',
      task: session.opener,
      stack: session.opened,
      here: 'opened here',
      related: [
        { label: `its opener ${called(session.opener)} was created here`, stack: session.opener?.creation, task: session.opener?.ref },
      ],
      about: [session, session.opener],
      facts: { session, how, idleNs: this.nowNs - session.lastOperationNs },
    };
  }

  message({ session, how, idleNs }: Unclosed): string {
    const what = `${session.name === '' ? session.type : `${session.type} "${session.name}"`} opened by ${called(session.opener, 'the program')}${at(session.opened)}`;
    if (how === 'collected') return `${what} was dropped without being closed.`;
    if (how === 'creator-ended') return `${what} is still open, ${duration(idleNs)} after its last use and after that task ended.`;
    if (how === 'program-ended') return `${what} was still open when the program ended.`;
    return `The pool of ${what} is used up (${session.pool?.inUse} of ${session.pool?.size}, ${session.pool?.waiting} waiting) and no request has run for ${duration(idleNs)}: a connection was not given back.`;
  }

  advice({ session, how }: Unclosed, env: Environment): string {
    if (how === 'slot-idle')
      return 'Give connections back on every path: `async with` around the response or the connection, also for streamed bodies.';
    if (session.type === 'sqlalchemy.AsyncEngine') return 'Call `await engine.dispose()` in a `finally`, once, when the application ends.';
    const close = /^httpx|^redis/.test(session.type) ? 'aclose()' : 'close()';
    const exitStack = env.has('fastapi') || env.has('starlette') ? ' In a web application open it in the lifespan handler.' : '';
    return `Use \`async with\`, or \`await session.${close}\` in a \`finally\`. One client for the whole application is enough.${exitStack}`;
  }
}
