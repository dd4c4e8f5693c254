/**
 * The one place through which words of others go (a gateway's, a cloud's, a file's) before a person reads them in a log,
 * an error, a badge, a terminal or a dialog: a line end would forge a log line, an escape sequence set a terminal's title,
 * a direction mark turn a sentence around.
 */

/** Control, format, private and unassigned characters, and the separators of lines and paragraphs. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]+/gu;

/** Printable ASCII with single blanks inside. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/;

/** The text on one line, without control and format characters, at most `most` characters of it. */
export function foreignText(text: string, most = 200): string {
  // Names mostly are: the longer way costs more than the rest of many a log line.
  if (text.length <= most && PLAIN.test(text)) return text;
  // Cut first: megabytes from a foreign side are not searched.
  const line = text
    .slice(0, most * 2)
    .replace(UNPRINTABLE, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`;
}
