/** Names and messages come from the program: nothing of them may act as markup, as a link or as a terminal control. */

/** Text for HTML, in elements and in double-quoted attributes. */
export function html(value: unknown): string {
  return printable(String(value)).replace(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Text for Markdown (also in a table cell): one line, every character that could start markup escaped. */
export function markdown(value: unknown): string {
  return (
    oneLine(String(value))
      .replace(/[\\`*_{}[\]#+!|<>~$&]/g, '\\$&')
      .replace(/^(\s*)([-=])/, '$1\\$2')
      .replace(/^(\s*\d+)([.)])(?=\s|$)/, '$1\\$2')
      // Bare addresses become links by themselves: broken by an invisible character.
      .replace(/\b(https?:|ftp:)(?=\/\/)|\b(www)(?=\.)/gi, '$&\u200b')
  );
}

/** Inline code in Markdown: fenced by more backticks than it holds. */
export function markdownCode(value: unknown): string {
  const text = oneLine(String(value)).replace(/\|/g, '\u2502');
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = text.startsWith('`') || text.endsWith('`') || text.trim() === '' ? ' ' : '';
  return `${fence}${pad}${text}${pad}${fence}`;
}

/** Text for a terminal: no control characters, no escape sequences, one line. */
export function terminal(value: unknown): string {
  return oneLine(String(value));
}

function oneLine(value: string): string {
  return printable(value)
    .replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' ')
    .replace(/\t/g, ' ');
}

/** Control characters, and those that turn the direction of text around, become visible. */
function printable(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return value.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
