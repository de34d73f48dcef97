/** `.env` files, read as the Python Debugger reads them: `NAME=value`, optional `export`, quotes, `${NAME}` from earlier lines and the given variables. */

const LINE = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/;
const REFERENCE = /(\\)?\$\{([A-Za-z_]\w*)\}/g;

/** Parses the text. Lines that are no assignment (comments, blanks) are skipped. `known`: variables that `${NAME}` may name. */
export function parseEnvFile(text: string, known: NodeJS.ProcessEnv = {}): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, name, raw = ''] = match;
    variables[name!] = substitute(unquote(raw), variables, known);
  }
  return variables;
}

function unquote(raw: string): string {
  const quote = raw[0];
  if (raw.length < 2 || (quote !== '"' && quote !== "'") || raw.at(-1) !== quote) return raw;
  const inner = raw.slice(1, -1);
  return quote === '"' ? inner.replaceAll('\\n', '\n') : inner;
}

/** `\${NAME}` stays as it is, without the backslash; an unknown name becomes empty. */
function substitute(value: string, earlier: Record<string, string>, known: NodeJS.ProcessEnv): string {
  return value.replace(REFERENCE, (_whole, escaped: string | undefined, name: string) =>
    escaped ? `\${${name}}` : (earlier[name] ?? known[name] ?? ''),
  );
}
