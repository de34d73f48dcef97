/** Where the adapter writes what is not for the user: the extension gives its log channel, the CLI stderr (with `--trace`). */
export interface Log {
  trace(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string, error?: unknown): void;
}

export const NO_LOG: Log = { trace() {}, info() {}, warn() {}, error() {} };

/** A log that prefixes each line. */
export function prefixed(log: Log, prefix: string): Log {
  return {
    trace: (text) => log.trace(`${prefix}: ${text}`),
    info: (text) => log.info(`${prefix}: ${text}`),
    warn: (text) => log.warn(`${prefix}: ${text}`),
    error: (text, error) => log.error(`${prefix}: ${text}`, error),
  };
}
